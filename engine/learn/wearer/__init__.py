"""The synthetic wearer: a rigged person in random clothes and rooms, seen by a fisheye on the head, with the truth."""
