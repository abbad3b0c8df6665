"""How good a network is: what it says of data whose truth is known, and the report of it."""
