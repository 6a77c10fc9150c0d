"""What a good day with the DRF tutorial gives: the same endpoint, for comparison. Nothing here is part of Coachbot."""
