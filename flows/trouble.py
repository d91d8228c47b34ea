"""The one error a flow can cause. Its message is shown to the author: it says what to do."""


class FlowError(Exception):
    """Something in the document or its texts cannot work; never a bug of ours."""
