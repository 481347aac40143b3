"""Make businesses.csv: the same file each time, with the dirt that real files have.

2,000 businesses with 3,000 contacts, and some rows that no import should take.
Usage: python examples/make_businesses.py > examples/businesses.csv
"""

from __future__ import annotations

import csv
import random
import sys

FIRST = (
    "Amara Ada Noor Lucía Søren Zoë Jürgen Ines Mateo Priya Tomasz Yuki Olga Kofi Elif Marta Liam Chloé Ravi Hana "
    "Björn Aisha Pablo Greta Omar Leila Viktor Maeve Diego Anika Samir Freya Hugo Nadia Emil Rosa Tariq Agnes Jonas Mei"
).split()
LAST = (
    "Okafor Lindqvist Moreau García O'Neill Müller Kowalski Tanaka Haddad Petrov Mensah Yılmaz Silva Novák Byrne Dubois "
    "Sharma Sato Jensen Rossi Weber Castillo Nowak Fischer Andersson Costa Kaya Murphy Laurent Ferreira Bauer Nilsen"
).split()
HEAD = (
    "Fern Northwind Hollow Kite Marlow Pine Juniper Copper Tide Lumen Orchard Saltbox Harbour Willow Ember Granite "
    "Larch Meridian Quarry Thistle Beacon Cobalt Drift Heron Ivory Maple Nimbus Otter Pebble Raven Sable Tern"
).split()
TAIL = (
    "Bakery Dental Studio Roofing Yoga Coffee Legal Print Cycles Florists Joinery Optics Brewing Physio Books Garage "
    "Ceramics Catering Plumbing Interiors Vets Tailors Cleaning Solar"
).split()
CITIES = (
    ("Lisbon", "PT", "Europe/Lisbon"), ("Leeds", "GB", "Europe/London"), ("Austin", "US", "America/Chicago"),
    ("Pune", "IN", "Asia/Kolkata"), ("Turin", "IT", "Europe/Rome"), ("Malmö", "SE", "Europe/Stockholm"),
    ("Kraków", "PL", "Europe/Warsaw"), ("Nantes", "FR", "Europe/Paris"), ("Kyōto", "JP", "Asia/Tokyo"),
    ("Porto Alegre", "BR", "America/Sao_Paulo"),
)  # fmt: skip
ROLES = ("Owner", "Office manager", "Marketing", "Head of operations", "Bookkeeping", "")
COLUMNS = [
    "Company Name", "Website", "City", "Country", "Industry",
    "First name", "Last Name", "E-mail", "Job title", "Time zone", "Tags",
]  # fmt: skip
ASCII = str.maketrans("áàâäãåéèêëíïîıöøóôòüúñçćńşğžýłśō", "aaaaaaeeeeiiiiooooouunccnsgzylso")


def plain(text: str) -> str:
    return "".join(c for c in text.lower().translate(ASCII) if c.isascii() and c.isalnum())


def rows(chance: random.Random) -> list[list[str]]:
    names = [f"{head} {tail}" for head in HEAD for tail in TAIL]
    names += [f"{name} {suffix}" for suffix in ("& Co.", "Group", "Ltd") for name in names]
    chance.shuffle(names)
    made = []
    for number, company in enumerate(names[:2000]):
        city, country, zone = chance.choice(CITIES)
        domain = f"{plain(company)}.example"
        industry = company.split()[1]
        for seat in range(2 if number % 2 else 1):
            first, last = chance.choice(FIRST), chance.choice(LAST)
            email = f"{plain(first)}.{plain(last)}{number}{'ab'[seat]}@{domain}"
            tags = chance.choice(("", "", "newsletter", "fair-2026; warm", "warm"))
            made.append(
                [
                    company,
                    f"https://www.{domain}/",
                    city,
                    country,
                    industry,
                    first,
                    last,
                    email,
                    chance.choice(ROLES),
                    zone,
                    tags,
                ]
            )
    return made


def soil(made: list[list[str]], chance: random.Random) -> list[list[str]]:
    """Stray spaces, shouting, quoted line breaks; then rows without a usable address, and doubles."""
    for row in chance.sample(made, 400):
        row[7] = chance.choice((row[7].upper(), f" {row[7]} ", row[7].title()))
    for row in chance.sample(made, 200):
        row[5] = f"  {row[5]}"
    for row in chance.sample(made, 60):
        row[8] = 'Owner,\n"acting"'
    for row in chance.sample(made, 25):
        row[0] = f"  {row[0]} "
    bad = [list(row) for row in chance.sample(made, 45)]
    for index, row in enumerate(bad):
        row[7] = (
            "not an address",
            "someone@",
            "@nowhere.example",
            "two@@signs.example",
            "spaces in@side.example",
        )[index % 5]
    twice = [list(row) for row in chance.sample(made, 30)]
    for row in bad + twice:
        made.insert(chance.randrange(len(made)), row)
    return made


def main() -> None:
    chance = random.Random(20260101)
    sys.stdout.reconfigure(encoding="utf-8-sig", newline="")  # type: ignore[union-attr]
    writer = csv.writer(sys.stdout)
    writer.writerow(COLUMNS)
    writer.writerows(soil(rows(chance), chance))


if __name__ == "__main__":
    main()
