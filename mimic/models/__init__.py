"""What is learned: arrays in, parameters out. Models know no DataLoader; `mimic.retrieval` feeds them."""
