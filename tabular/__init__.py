"""Where Q-learning comes from, in tables; numpy only."""
