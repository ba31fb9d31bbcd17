"""The comparison of ways to take a language model's advice: what is run, how, what came of it."""
