"""All answers of one experiment: effects, health, decision, and the contract of `readout.json`."""
