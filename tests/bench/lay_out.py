"""Numbers as text, and rows of text as a table: aligned, or in Markdown."""

NONE = "-"


def number(value, digits=1):
    if value is None:
        return NONE
    return f"{value:,.{digits}f}"


def seconds(value_ns):
    return NONE if value_ns is None else f"{value_ns / 1e9:.3f}"


def mib(value):
    return NONE if value is None else f"{value / (1 << 20):.0f}"


def count(value):
    return NONE if value is None else f"{value:,.0f}"


def per_allocation(value):
    return number(value, 2 if value is not None and value < 10 else 1)


def percent(value, digits=0):
    return NONE if value is None else f"{value * 100:.{digits}f} %"


def times(spread):
    """Of [first quartile, median, third]."""
    low, middle, high = spread
    return f"{middle:.1f}x less [{low:.1f}, {high:.1f}]"


def spread(found, digits=2):
    """The quartiles beside a median."""
    return NONE if found is None else f"{found[0]:.{digits}f}-{found[2]:.{digits}f}"


def lay_out(head, rows, is_markdown):
    """One table: the first column to the left, the others to the right."""
    if is_markdown:
        lines = ["| " + " | ".join(head) + " |", "|---|" + "--:|" * (len(head) - 1)]
        return lines + ["| " + " | ".join(row) + " |" for row in rows]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    return ["  ".join([row[0].ljust(widths[0])] +
                      [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]).rstrip()
            for row in [head, *rows]]
