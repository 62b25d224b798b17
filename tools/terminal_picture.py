"""Draws what a command shows in a terminal as an SVG: `terminal_picture.py OUT.svg COLUMNSxROWS COMMAND…`.

Needs `pip install pyte`. The command runs in a terminal of that size; the picture is its screen at the end.
"""

import fcntl
import os
import pty
import struct
import sys
import termios
from xml.sax.saxutils import escape

import pyte

COLOURS = {
    "default": "#d7dae0", "black": "#3b4048", "red": "#ff6b68", "green": "#8cc265", "brown": "#d18f52",
    "yellow": "#d1b452", "blue": "#5aa7f0", "magenta": "#c678dd", "cyan": "#42b3c2", "white": "#ffffff",
    "brightblack": "#7f848e",
}
LINE, CHAR, EDGE = 17.0, 8.1, 14.0


def screen_of(command, columns, rows):
    screen = pyte.Screen(columns, rows)
    stream = pyte.ByteStream(screen)
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", COLUMNS=str(columns), LINES=str(rows))
        os.execvp(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    while True:
        try:
            bytes_ = os.read(terminal, 65536)
        except OSError:
            break
        if not bytes_:
            break
        stream.feed(bytes_)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status:
        sys.exit(f"{command[0]} left with {status}")
    return screen


def runs(line, columns):
    """Stretches of equal colour: column, text, colour, bold."""
    found = []
    for column in range(columns):
        cell = line[column]
        style = (cell.fg, cell.bold)
        if found and found[-1][2:] == style:
            found[-1] = (found[-1][0], found[-1][1] + cell.data, *style)
        else:
            found.append((column, cell.data, *style))
    return [run for run in found if run[1].strip()]


def main():
    out, size, *command = sys.argv[1:]
    columns, rows = map(int, size.split("x"))
    screen = screen_of(command, columns, rows)
    used = max((y for y in range(rows) if "".join(c.data for c in screen.buffer[y].values()).strip()), default=0) + 1
    width, height = columns * CHAR + 2 * EDGE, used * LINE + 2 * EDGE
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" font-size="13" '
        'font-family="ui-monospace, Menlo, Consolas, \'DejaVu Sans Mono\', monospace">',
        f'<rect width="{width:.0f}" height="{height:.0f}" rx="8" fill="#1e2127"/>',
    ]
    for y in range(used):
        for column, text, colour, bold in runs(screen.buffer[y], columns):
            fill = COLOURS.get(colour, f"#{colour}" if len(colour) == 6 else COLOURS["default"])
            weight = ' font-weight="bold"' if bold else ""
            lines.append(
                f'<text x="{EDGE + column * CHAR:.1f}" y="{EDGE + (y + 0.8) * LINE:.1f}" fill="{fill}"{weight} '
                f'textLength="{len(text.rstrip()) * CHAR:.1f}" xml:space="preserve">{escape(text.rstrip())}</text>'
            )
    lines.append("</svg>")
    with open(out, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
