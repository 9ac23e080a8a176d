"""What the page ``monthly-visits`` says and shows, part by part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from reporting_event_log_checkpoint.figures import Figures, Key, Rate, Spread, Totals
from reporting_event_log_checkpoint.provenance import provenance
from reporting_event_log_checkpoint.spans import spans_of
from reporting_pages import (
    Content,
    Markup,
    Section,
    Tile,
    bars,
    columns,
    document,
    dots,
    element,
    figure,
    grid,
    histogram,
    line,
    section,
    table,
    tiles,
)
from reporting_pages.numbers import change, count, day, days, month_name, moment, plural, points, share
from reporting_pages.theme import ACCENT, ALARM

if TYPE_CHECKING:
    from reporting_framework.interfaces import Material

DRAWN = 30
"""Centers, and modules, that a chart shows; its table has all."""

HEADS = 14
"""Modules that the grid shows."""

_VISIT = (
    "A visit is what shares study, center (pipeline_adcid), project, participant, visit date, visit number, datatype and "
    "module."
)


def page_of(material: Material, figures: Figures, *, identifiers: bool) -> str:
    """The page."""
    name = month_name(figures.month)
    parts = [
        _volumes(figures),
        _rates(figures),
        _times(figures),
        _errors(figures),
        _waiting(figures, identifiers=identifiers),
        _rejected(figures),
        provenance(material, figures),
    ]
    return document(
        f"Visits in {name}",
        parts,
        eyebrow=f"{material.report} · monthly report",
        lead=_lead(figures),
        above=_tiles(figures),
        footer=_footer(material, figures),
    )


def _lead(figures: Figures) -> str:
    now, last = figures.now, figures.last
    if not now.events:
        return f"There is no event in {month_name(figures.month)}."
    centers = len({key[0] for key in figures.submitted})
    said = f"{plural(now.submitted, 'visit')} submitted at {plural(centers, 'center')}"
    if not now.submitted:
        said = "No visit was submitted"
    elif last:
        said += f", {_compared(now.submitted, last.submitted)} {month_name(last.month)}"
    rate = f"{share(now.rate)} of the visits checked passed" if now.outcomes else "No visit was checked"
    waiting = sum(figures.ages.values())
    left = f"{plural(waiting, 'visit')} {'waits' if waiting == 1 else 'wait'} for a pass" if waiting else "No visit waits"
    return f"{said}. {rate}. {left}."


def _compared(now: int, before: int) -> str:
    if now == before:
        return "as many as in"
    return f"{count(abs(now - before))} {'more' if now > before else 'fewer'} than in"


def _tiles(figures: Figures) -> Markup:
    now, last = figures.now, figures.last
    against = f"from {month_name(last.month, short=True)}" if last else "this is the first month"

    def tile(name: str, value: str, field: str, says: str) -> Tile:
        numbers = [getattr(each, field) for each in figures.totals]
        step = (points if field == "rate" else change)(numbers[-1], numbers[-2]) if last else None
        return Tile(name, value, step, says, numbers, against)

    of = f"of {plural(now.outcomes, 'visit')} with an outcome" if now.outcomes else "No visit has an outcome"
    return tiles(
        [
            tile("Visits submitted", count(now.submitted), "submitted", "Visits with a submit in the month."),
            tile("Visits passed", count(now.passed), "passed", "Visits whose latest check in the month passed."),
            tile("Pass rate", share(now.rate), "rate", f"Visits passed {of} (a pass or a fail) in the month."
                 if now.outcomes else "No visit was checked in the month."),
            tile("Failed checks", count(now.failures), "failures", "A visit that fails twice counts twice."),
            tile("Events", count(now.events), "events", "Of every action, deletes among them."),
        ]
    )  # fmt: skip


# -- volumes -----------------------------------------------------------------------------------------------------------


def _volumes(figures: Figures) -> Section:
    name, by_center, by_module = month_name(figures.month), _summed(figures.submitted, 0), _modules(figures.submitted)
    before, modules_before = _summed(figures.before, 0), _modules(figures.before)
    content = [
        _course(
            figures, "Visits submitted by month", "submitted", "visit",
            "Visits with a submit in each month; one with submits in two months is in both.",
        ),
        _ranked(
            figures, "Visits submitted by center", "Center",
            {figures.centers.get(center, _center(center)): number for center, number in by_center.items()},
            {figures.centers.get(center, _center(center)): number for center, number in before.items()},
            f"Visits with a submit in {name}.",
            f"No visit was submitted in {name}.",
        ),
        _ranked(
            figures, "Visits submitted by module", "Module", by_module, modules_before,
            f"Visits with a submit in {name}, by module; where a datatype has none, by datatype.",
            f"No visit was submitted in {name}.",
        ),
        _grid(figures),
    ]  # fmt: skip
    return section("volumes", "Volumes", content, says=_VISIT)


def _grid(figures: Figures) -> Markup:
    """Centers and modules against each other."""
    name, title = month_name(figures.month), "Visits submitted by center and module"
    by_center, by_module = _summed(figures.submitted, 0), _modules(figures.submitted)
    caption = f"Visits with a submit in {name}. The stronger the color, the more; an empty cell is none."
    if not figures.submitted:
        return figure(title, None, says=f"No visit was submitted in {name}.", caption=caption, wide=True)
    labels = _labels(figures.submitted)
    centers = [figures.centers.get(each, _center(each)) for each in _order(by_center)]
    modules = _order(by_module)
    cells = {
        (figures.centers.get(center, _center(center)), labels[kind, module]): number  # type: ignore[call-overload, index]  # keys as _submitted gives them
        for (center, kind, module), number in figures.submitted.items()
    }
    shown, heads = centers[:DRAWN], modules[:HEADS]
    rows = [
        {"down": center, "across": module, "value": number, "shown": count(number),
         "tip": f"{center}, {module}: {plural(number, 'visit')}"}
        for (center, module), number in cells.items() if center in shown and module in heads
    ]  # fmt: skip
    rows.sort(key=lambda row: (shown.index(str(row["down"])), heads.index(str(row["across"]))))
    (center, module), most = max(cells.items(), key=lambda item: (item[1], item[0]))
    behind = table(
        ["Center", *modules, "All"],
        [
            [each, *(cells.get((each, one)) for one in modules), sum(cells.get((each, one), 0) for one in modules)]
            for each in centers
        ],
        caption=f"{title}, {name}",
    )
    left = _left(len(centers), len(shown), "centers") + _left(len(modules), len(heads), "modules")
    return figure(
        title,
        grid(rows, down=shown, across=heads),
        says=f"{title}: most at {center} in {module}, {plural(most, 'visit')}.",
        caption=f"{caption}{left}",
        behind=behind,
        rows=len(centers),
        wide=True,
    )


def _ranked(
    figures: Figures, title: str, head: str, now: Mapping[Any, int], before: Mapping[Any, int], caption: str, none: str,
    *, color: str | None = None, one: str = "visit",
) -> Markup:  # fmt: skip
    """Numbers by something, the largest first, with those of the month before."""
    if not now:
        return figure(title, None, says=none, caption=caption)
    last = figures.last
    names = _order({name: now.get(name, 0) for name in {**now, **before}})
    shown = names[:DRAWN]
    rows = [
        {"label": name, "value": now.get(name, 0), "shown": count(now.get(name, 0)),
         "before": before.get(name, 0) if last else None, "tip": _tip(figures, name, now, before, one)}
        for name in shown
    ]  # fmt: skip
    tick = f" The mark shows {month_name(last.month)}." if last else ""
    columns_ = [head, month_name(figures.month, short=True)]
    body = [[name, count(now.get(name, 0))] for name in names]
    if last:
        columns_ += [month_name(last.month, short=True), "Change"]
        body = [
            [*row, count(before.get(name, 0)), change(now.get(name, 0), before.get(name, 0))]
            for row, name in zip(body, names, strict=True)
        ]
    ends = f", least at {names[-1]}, {count(now.get(names[-1], 0))}" if len(names) > 1 else ""
    return figure(
        title,
        bars(rows, color=color or ACCENT),
        says=f"{title}: most at {names[0]}, {plural(now.get(names[0], 0), one)}{ends}.",
        caption=f"{caption}{tick}{_left(len(names), len(shown), head.lower() + 's')}",
        behind=table(columns_, body, caption=f"{title}, {month_name(figures.month)}"),
        rows=len(names),
    )


def _tip(figures: Figures, name: str, now: Mapping[Any, int], before: Mapping[Any, int], one: str) -> str:
    said = f"{name}: {plural(now.get(name, 0), one)}"
    last = figures.last
    return f"{said}, {count(before.get(name, 0))} in {month_name(last.month)}" if last else said


def _course(
    figures: Figures, title: str, field: str, one: str, caption: str, *, color: str | None = None, wide: bool = True
) -> Markup:
    """A count over the months."""
    numbers = [(each.month, getattr(each, field)) for each in figures.totals]
    rows = [
        {"label": _tick(of, number), "value": value, "shown": count(value),
         "tip": f"{month_name(of)}: {plural(value, one)}"}
        for number, (of, value) in enumerate(numbers)
    ]  # fmt: skip
    low, high = min(numbers, key=lambda pair: pair[1]), max(numbers, key=lambda pair: pair[1])
    says = (
        f"{title}: {plural(numbers[-1][1], one)} in {month_name(figures.month)}; between {count(low[1])} "
        f"({month_name(low[0])}) and {count(high[1])} ({month_name(high[0])}) in {plural(len(numbers), 'month')}."
    )
    behind = table(["Month", title.removesuffix(" by month")], [[month_name(of), count(value)] for of, value in numbers],
                   caption=title)  # fmt: skip
    chart = columns(rows, color=color or ACCENT, height=170 if wide else max(170, 24 * _tall(figures)))
    return figure(title, chart, says=says, caption=caption, behind=behind, rows=len(numbers), wide=wide)


# -- pass rates --------------------------------------------------------------------------------------------------------


def _rates(figures: Figures) -> Section:
    name = month_name(figures.month)
    centers = [{figures.centers.get(key[0], _center(key[0])): rate for key, rate in each.items()}  # type: ignore[call-overload]  # a center's number
               for each in (figures.rates[0], figures.rates_before[0])]  # fmt: skip
    modules = [_labelled(each) for each in (figures.rates[1], figures.rates_before[1])]
    content = [
        _rate_course(figures),
        _rate_by(figures, "Pass rate by center", "Center", *centers),
        _rate_by(figures, "Pass rate by module", "Module", *modules),
    ]
    says = (
        "Of the visits checked in a month (they have a pass-qc or not-pass-qc in it), the share whose latest check in it "
        "passed."
    )
    return section("pass-rates", "Pass rates", content, says=says)


def _rate_course(figures: Figures) -> Markup:
    title = "Pass rate by month"
    rows = [
        {"label": _tick(each.month, number), "value": each.rate, "shown": share(each.rate),
         "tip": f"{month_name(each.month)}: {share(each.rate)} of {plural(each.outcomes, 'visit')}"}
        for number, each in enumerate(figures.totals)
    ]  # fmt: skip
    known = [each for each in figures.totals if each.rate is not None]
    caption = "Visits whose latest check in the month passed, of the visits checked in it."
    if not known:
        return figure(title, None, says="No visit was checked in these months.", caption=caption, wide=True)
    low, high = (found(known, key=lambda each: each.rate) for found in (min, max))  # type: ignore[operator]  # of numbers
    behind = table(
        ["Month", "Pass rate", "Passed", "Checked"],
        [[month_name(each.month), share(each.rate), count(each.passed), count(each.outcomes)]
         for each in figures.totals],
        caption=title,
    )  # fmt: skip
    return figure(
        title,
        line(rows),
        says=f"{title}: {share(figures.now.rate)} in {month_name(figures.month)}; between {share(low.rate)} "
        f"({month_name(low.month)}) and {share(high.rate)} ({month_name(high.month)}).",
        caption=caption,
        behind=behind,
        rows=len(figures.totals),
        wide=True,
    )


def _rate_by(
    figures: Figures, title: str, head: str, now: Mapping[str, Rate], before: Mapping[str, Rate]
) -> Markup:
    name, last = month_name(figures.month), figures.last
    if not now:
        return figure(title, None, says=f"No visit was checked in {name}.", caption=f"Visits checked in {name}.")
    names = sorted(now, key=lambda each: (now[each].rate or 0, -now[each].visits, each))
    shown = names[:DRAWN]
    rows = [
        {"label": each, "value": now[each].rate, "shown": share(now[each].rate),
         "before": before[each].rate if each in before else None,
         "tip": f"{each}: {share(now[each].rate)}, {count(now[each].passed)} of {plural(now[each].visits, 'visit')}"}
        for each in shown
    ]  # fmt: skip
    ring = f" The ring shows {month_name(last.month)}." if last else ""
    heads = [head, "Pass rate", "Passed", "Checked", *([f"{month_name(last.month, short=True)}"] if last else [])]
    body = [
        [each, share(now[each].rate), count(now[each].passed), count(now[each].visits),
         *([share(before[each].rate if each in before else None)] if last else [])]
        for each in names
    ]  # fmt: skip
    low, high = names[0], names[-1]
    ends = f", highest at {high}, {share(now[high].rate)}" if len(names) > 1 else ""
    return figure(
        title,
        dots(rows),
        says=f"{title}: lowest at {low}, {share(now[low].rate)}{ends}.",
        caption=f"Visits checked in {name}, the lowest rate first.{ring}{_left(len(names), len(shown), head.lower() + 's')}",
        behind=table(heads, body, caption=f"{title}, {name}"),
        rows=len(names),
    )


# -- times -------------------------------------------------------------------------------------------------------------


def _times(figures: Figures) -> Section:
    name = month_name(figures.month)
    content = [
        _spread(figures.to_submit, "Days from visit to submit", "submit", name),
        _spread(figures.to_pass, "Days from visit to pass", "pass", name),
    ]
    says = "Calendar days from the date of a visit to its first submit and to its first pass, in UTC."
    return section("times", "Time to submit and pass", content, says=says)


def _spread(spread: Spread, title: str, what: str, name: str) -> Markup:
    which = f"Visits with their first {what} in {name}"
    if not spread.days or spread.median is None or spread.p90 is None:
        return figure(title, None, says=f"No visit has its first {what} in {name}.", caption=f"{which}.")
    found = spans_of(spread.days)
    rows = [
        {"low": each.low, "high": each.high, "value": each.count, "tip": f"{_span(each.low, each.high)}: "
         f"{plural(each.count, 'visit')}"}
        for each in found.drawn
    ]  # fmt: skip
    start, end = found.drawn[0].low, found.drawn[-1].high
    marks = [
        {"at": value + 0.5, "shown": f"{label} {days(value)}", "right": right}
        for label, value, right in (("median", spread.median, False), ("90%", spread.p90, True))
        if start <= value < end
    ]
    if len(marks) == 2 and (spread.median - start) < 0.3 * (end - start):
        marks = [{**each, "right": True} for each in marks]  # no room to the left
        if spread.p90 - spread.median < 0.3 * (end - start):
            marks[0] = {**marks[0], "shown": f"{marks[0]['shown']}, 90% {days(spread.p90)}"}
            marks[1] = {**marks[1], "shown": ""}
    outside = found.below + found.above
    aside = f" {plural(outside, 'visit')} outside what is drawn {'is' if outside == 1 else 'are'} in the numbers." if outside else ""
    body = [[_span(each.low, each.high), count(each.count)] for each in found.drawn if each.count]
    if found.below:
        body.insert(0, [f"less than {start}", count(found.below)])
    if found.above:
        body.append([f"{end} or more", count(found.above)])
    said = (
        f"half within {days(spread.median)} days (median), nine in ten within {days(spread.p90)}, "
        f"{days(spread.mean)} on average"
    )
    return figure(
        title,
        histogram(rows, marks, title="days after the visit"),
        says=f"{title}, {plural(spread.visits, 'visit')}: {said}.",
        caption=f"{which}: {plural(spread.visits, 'visit')}, {said}.{aside}",
        behind=table(["Days", "Visits"], body, caption=f"{title}, {name}"),
        rows=len(body),
    )


def _span(low: int, high: int) -> str:
    return f"{low}" if high - low == 1 else f"{low} to {high - 1}"


# -- failed checks -----------------------------------------------------------------------------------------------------


def _errors(figures: Figures) -> Section:
    name = month_name(figures.month)
    now, before = (
        {figures.centers.get(center, _center(center)): number for center, number in each.items()}
        for each in figures.errors
    )
    content = [
        _course(figures, "Failed checks by month", "failures", "failed check",
                "Events not-pass-qc in each month.", color=ALARM, wide=False),
        _ranked(figures, "Failed checks by center", "Center", now, before, f"Events not-pass-qc in {name}.",
                f"No check failed in {name}.", color=ALARM, one="failed check"),
    ]  # fmt: skip
    says = "A visit that fails twice counts twice; a later pass or delete takes nothing away."
    return section("failed-checks", "Failed checks", content, says=says)


# -- what waits --------------------------------------------------------------------------------------------------------

_AGES = ((7, "up to a week"), (30, "8 to 30 days"), (90, "31 to 90 days"), (None, "over 90 days"))


def _waiting(figures: Figures, *, identifiers: bool) -> Section:
    total, until = sum(figures.ages.values()), day((figures.end - timedelta(microseconds=1)).date())
    says = (
        f"Visits with a submit and without a pass, not deleted, at the end of {until} (UTC). Days count from the first "
        "submit."
    )
    if not total:
        return section("waiting", "Waiting for a pass", element("p", "No visit waits for a pass.", class_="empty"), says=says)
    numbers, low = [], -1
    for high, label in _AGES:
        within = sum(n for age, n in figures.ages.items() if age > low and (high is None or age <= high))
        numbers.append((label, within))
        low = high if high is not None else low
    rows = [{"label": label, "value": number, "shown": count(number)} for label, number in numbers]
    oldest = max(figures.ages)
    chart = figure(
        "How long they have waited",
        bars(rows),
        says=f"{plural(total, 'visit')} waiting: {', '.join(f'{label} {count(number)}' for label, number in numbers)}.",
        caption=f"{plural(total, 'visit')}; the one that waits longest has for {plural(oldest, 'day')}.",
        behind=table(["Time", "Visits"], [[label, count(number)] for label, number in numbers],
                     caption="Visits waiting, by time"),
        rows=len(numbers),
    )  # fmt: skip
    content = [chart, _waiting_by_center(figures), _listed(figures, total, identifiers=identifiers)]
    return section("waiting", "Waiting for a pass", content, says=says)


def _waiting_by_center(figures: Figures) -> Markup:
    numbers = {figures.centers.get(center, _center(center)): number for center, number in figures.places.items()}
    names = _order(numbers)
    shown = names[:DRAWN]
    return figure(
        "Where they wait",
        bars([{"label": name, "value": numbers[name], "shown": count(numbers[name])} for name in shown]),
        says=f"Visits waiting by center: most at {names[0]}, {plural(numbers[names[0]], 'visit')}.",
        caption=f"Visits waiting, by center.{_left(len(names), len(shown), 'centers')}",
        behind=table(["Center", "Visits"], [[name, count(numbers[name])] for name in names],
                     caption="Visits waiting, by center"),
        rows=len(names),
    )  # fmt: skip


def _listed(figures: Figures, total: int, *, identifiers: bool) -> Markup:
    """The visits that wait longest."""
    listed = figures.waiting
    if not listed:
        return element("div", element("p", "None of them is listed."), class_="card")
    heads = ["Participant"] * identifiers + ["Center", "Module", "Visit", "First submit", "Failed checks", "Days"]
    labels = _labels([(None, *each.module) for each in listed])
    rows = [
        [each.ptid] * identifiers
        + [figures.centers.get(each.center, _center(each.center)), labels[each.module],
           each.visit_date.isoformat() if each.visit_date else None, f"{each.submitted.date().isoformat()}",
           count(each.failures), count(each.days)]
        for each in listed
    ]  # fmt: skip
    more = f" {plural(total - len(listed), 'more visit')} {'waits' if total - len(listed) == 1 else 'wait'} less long." if total > len(listed) else ""
    return element(
        "div",
        element("h3", "Waiting longest" if more else "All that wait"),
        element("p", f"{plural(len(listed), 'visit')}, the longest first.{more}"),
        table(heads, rows, caption="Visits that wait longest", numbers=[len(heads) - 2, len(heads) - 1]),
        class_="card wide scroll",
    )


# -- rejected ----------------------------------------------------------------------------------------------------------


def _rejected(figures: Figures) -> Section:
    name, found = month_name(figures.month), figures.rejected
    says = (
        "Records that were read and not kept, and lie in quarantine until their object changes or someone takes them "
        "up: origin and reason, never the value."
    )
    if found is None:
        none = element("p", "There is no quarantine beside this table.", class_="empty")
        return section("rejected", "Rejected records", none, says=says)
    reasons = {key: numbers for key, numbers in found.items() if key[0] != "filtered"}
    filtered = [numbers for key, numbers in found.items() if key[0] == "filtered"]
    body = [
        [kind, field or "the whole record", count(mine), count(every)] for (kind, field), (mine, every) in reasons.items()
    ]
    total = (sum(mine for mine, _ in reasons.values()), sum(every for _, every in reasons.values()))
    left_out = sum(every for _, every in filtered)
    aside = (
        f"{plural(left_out, 'record')} {'was' if left_out == 1 else 'were'} left out on purpose (filtered), "
        f"{count(sum(mine for mine, _ in filtered))} of them in {name}."
        if left_out
        else "No record was left out on purpose (filtered)."
    )
    lead = (
        f"{plural(total[1], 'record')} {'lies' if total[1] == 1 else 'lie'} in quarantine, {count(total[0])} of them "
        f"rejected in {name}. {aside}"
    )
    shown = table(
        ["Reason", "Field", f"In {month_name(figures.month, short=True)}", "In all"],
        body,
        caption="Rejected records by reason",
        numbers=[2, 3],
        empty="No rejected record lies in quarantine.",
    )
    card = element("div", element("h3", "By reason"), element("p", lead), shown, class_="card wide")
    return section("rejected", "Rejected records", card, says=says)


# -- the rest ----------------------------------------------------------------------------------------------------------


def _footer(material: Material, figures: Figures) -> Content:
    until = "" if figures.end < material.at else " so far"
    return [
        element("p", f"Made on {moment(material.at)} from the table of {material.report}. Months are of an event's timestamp, "
                f"in UTC; events after {month_name(figures.month)} are left out{until}."),
        element("p", "Each number is that of a query: volumes, pass-rate, qc-timing, monthly-errors and completeness; "
                f"“reporting query {material.report} pass-rate --help” says what it counts."),
        element("p", "This file is complete in itself and loads nothing. It may hold identifiers of participants: keep it "
                "where the table is kept."),
    ]  # fmt: skip


def _summed(numbers: Mapping[Key, int], at: int) -> dict[Any, int]:
    found: dict[Any, int] = {}
    for key, number in numbers.items():
        found[key[at]] = found.get(key[at], 0) + number
    return found


def _modules(numbers: Mapping[Key, int]) -> dict[str, int]:
    labels, found = _labels(numbers), dict[str, int]()
    for (_, kind, module), number in numbers.items():
        label = labels[kind, module]  # type: ignore[index]  # texts or None
        found[label] = found.get(label, 0) + number
    return found


def _labelled(rates: Mapping[Key, Rate]) -> dict[str, Rate]:
    labels = _labels([(None, *key) for key in rates])
    return {labels[kind, module]: rate for (kind, module), rate in rates.items()}  # type: ignore[index]  # likewise


def _labels(keys: Any) -> dict[tuple[str | None, str | None], str]:
    """A name for each datatype and module: the module, else the datatype; both where that is not enough."""
    kinds = {(key[1], key[2]) for key in keys}
    plain = {(kind, module): module or kind or "(none)" for kind, module in kinds}
    shared = {label for label in plain.values() if list(plain.values()).count(label) > 1}
    return {
        (kind, module): f"{kind or '(none)'} · {module or 'no module'}" if label in shared else label
        for (kind, module), label in plain.items()
    }


def _order(numbers: Mapping[Any, int]) -> list[Any]:
    """Largest first, then by name."""
    return sorted(numbers, key=lambda name: (-numbers[name], str(name)))


def _center(number: Any) -> str:
    return "(no center)" if number is None else f"center {number}"


def _tall(figures: Figures) -> int:
    """Rows of the chart that stands beside that of failed checks by month."""
    return min(len({*figures.errors[0], *figures.errors[1]}), 12)


def _tick(month: date, number: int) -> str:
    """A month below an axis; the year where it begins."""
    name = month_name(month, short=True)[:3]
    return f"{name}|{month.year}" if not number or month.month == 1 else name


def _left(total: int, shown: int, what: str) -> str:
    return f" The chart shows {shown} of {count(total)} {what}; the numbers have all." if total > shown else ""
