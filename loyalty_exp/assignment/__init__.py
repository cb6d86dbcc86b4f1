"""From who is eligible to who is in which arm: drawn once by a hash, written down, and never drawn again."""
