"""The flow builder: the page on which an automation is drawn, tried and read."""
