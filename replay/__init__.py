"""The memory of transitions; knows neither environments nor agents."""
