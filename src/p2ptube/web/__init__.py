"""The HTTP shells of the node: the user's own interface, and what strangers may see."""
