"""A lab drawn: as text, in Mermaid's and graphviz's languages, as SVG, as JSON."""
