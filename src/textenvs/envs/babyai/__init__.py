"""BabyAI and MiniGrid as text environments."""
