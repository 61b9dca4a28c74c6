"""Values to text: every function here returns a string."""
