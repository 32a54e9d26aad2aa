"""The parts of a binder, one file each, in the order of its folders."""
