"""Evidence: bundles that somebody else can check without trusting us, and the checks."""
