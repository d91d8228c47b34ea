"""The facts that the pretend WhatsApp and the demo company's phone must agree on.

Rule: both sides are filled in from here. Keys follow from the installation's secret, so they are
the same at each start and different on each machine.
"""

from flows import library
from sandbox.config import SandboxConfig
from tiptoe.secret import derived, secret_of
from tiptoe.settings import Settings

PHONE_NUMBER_ID = "100000000000001"
WABA_ID = "200000000000001"
DISPLAY_PHONE_NUMBER = "+39 06 5550 0100"
BUSINESS_NAME = "Tiptoe Demo"
PHONE_NAME = "Sandbox phone"
VERSION = "v23.0"  # of the Cloud API, as the sandbox speaks it


def app_secret(settings: Settings) -> str:
    """Return the key with which the pretend WhatsApp signs its webhooks."""
    return derived(secret_of(settings), "sandbox app secret")


def access_token(settings: Settings) -> str:
    """Return the token that the pretend WhatsApp's API accepts."""
    return derived(secret_of(settings), "sandbox access token")


def verify_token(settings: Settings) -> str:
    """Return the word that must come with a webhook's subscription."""
    return settings.cloud_api_verify_token or derived(secret_of(settings), "verify token")


def sandbox_config(settings: Settings) -> SandboxConfig:
    """Return what the sandbox is told at its start."""
    return SandboxConfig(
        data_file=settings.data / "sandbox.db",
        webhook_url=settings.sandbox_webhook_url,
        app_secret=app_secret(settings),
        verify_token=verify_token(settings),
        access_token=access_token(settings),
        phone_number_id=PHONE_NUMBER_ID,
        display_phone_number=DISPLAY_PHONE_NUMBER,
        waba_id=WABA_ID,
        business_name=BUSINESS_NAME,
        templates=library.templates(),
    )
