"""What it earned and what it cost: (benefit, cost) pairs kept together to the very end."""
