"""The command line of fleetwin: a table of commands, each reached by name when it is invoked."""
