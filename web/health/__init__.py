"""Whether everything is well, for supervisors and load balancers."""
