"""The words of the reference journey, for contestants that run without our packages."""

KEYWORD = "yes"
REPLY = "Yes please"
TEXTS = {
    "greet": "Hi {name}, you left something in your cart: {url}",
    "ask": "Shall we keep it for you? Answer yes or no.",
    "thank": "Thank you, {name}. We keep it until tomorrow.",
}
MESSAGES = len(TEXTS)
REGULARS = "regular"  # the tag of those who are not asked
TAGS = ("asked", "kept")
CART_URL = "https://shop.example.com/carts/1"
WAVES = ("start", "verdict", "timer", "verdict", "reply", "verdict")
"""What happens to each contact, in order; between two of them the journey waits."""
