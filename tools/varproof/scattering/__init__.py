"""A candidate list in parts for many machines, and what they made of it as one."""
