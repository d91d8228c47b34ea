"""Results: the numbers on the canvas, in the panel and as a file, and the people behind them."""
