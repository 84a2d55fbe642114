"""What each executable does, for programs and for the command line alike: one module each, its settings and its steps."""
