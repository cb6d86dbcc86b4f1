"""The page: one self-contained HTML file for leadership, made from the readout alone."""
