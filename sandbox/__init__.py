"""A pretend WhatsApp: the Cloud API over HTTP, its rules, its webhooks, and customers to talk to.

One rule: nothing here imports the rest of the product, so that what it refuses is refused by an
independent reading of the Cloud API's rules.
"""
