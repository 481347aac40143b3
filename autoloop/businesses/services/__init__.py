"""The verbs of businesses and contacts: the only writers of their tables."""

from autoloop.businesses.services.businesses import Businesses
from autoloop.businesses.services.contacts import Contacts
from autoloop.businesses.services.vocabulary import Fields, Tags, Topics

__all__ = ["Businesses", "Contacts", "Fields", "Tags", "Topics"]
