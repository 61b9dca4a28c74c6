"""Labs of an ordinary user, who is root of namespaces of the user's own."""
