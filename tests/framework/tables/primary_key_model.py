"""Random commits to a table with a primary key, and the rows that they leave."""

import random

RECORDS = [f"{file}#{line}" for file in "ab" for line in range(3)]
SKUS = list("uvwxyz")


def commits(seed):
    """Return lists of (source key, sku, price, version, gone)."""
    dice = random.Random(seed)
    for number in range(8):
        lines = [] if number else [("a#0", "z", 0, "0", False)]
        for record in dice.choices(RECORDS, k=dice.randint(1, 7)):
            version = f"{number}{dice.choice('ab')}"
            if dice.random() < 0.3:
                lines.append((record, None, None, version, True))
            else:
                price = dice.randint(1, 99)
                lines.append((record, dice.choice(SKUS), price, version, False))
        yield lines


def deliveries(seed):
    """Return commits as `commits` does, of versions in any order, some of them again."""
    dice = random.Random(seed)
    lines = [line for made in commits(seed) for line in made]
    yield lines[:1]
    states = list({(line[0], line[3]): line for line in lines}.values())
    for _ in range(12):
        yield dice.sample(states, k=dice.randint(1, 7))


def newest_of(lines):
    """Return the newest version of each record."""
    return list(
        {line[0]: line for line in sorted(lines, key=lambda line: line[3])}.values()
    )


def expected(table, lines):
    """Return the rows, by sku, after a commit to rows by sku."""
    newest = {}
    for line in lines:  # of equal versions, a delete wins, or else the last one
        known = newest.get(line[0])
        if known is None or (line[3], line[4]) >= (known[3], known[4]):
            newest[line[0]] = line
    kept = {
        sku: row
        for sku, row in table.items()
        if row[0] not in newest or newest[row[0]][1] == sku
    }
    claims = {}
    for line in sorted(lines, key=lambda line: line[3]):
        if newest[line[0]] is line and not line[4]:
            claims[line[1]] = line
    return kept | claims
