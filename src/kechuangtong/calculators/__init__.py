"""What the rules come to in figures (政策计算): pure functions over the policy table."""
