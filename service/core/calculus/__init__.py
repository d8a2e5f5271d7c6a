"""From a checked program to numbers and derivatives."""
