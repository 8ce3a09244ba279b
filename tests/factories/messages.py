"""What is sent to Postgres ahead of a statement, read."""

from struct import unpack_from


def commands_of(message: bytes) -> list[str]:
    """The commands of the Parse messages among these, each of the unnamed statement without parameters.

    Fails where a Bind or an Execute of the unnamed portal does not follow each.
    """
    kinds, commands, at = "", [], 0
    while at < len(message):
        kind, length = chr(message[at]), unpack_from("!I", message, at + 1)[0]
        body = message[at + 5 : at + 1 + length]
        assert len(body) == length - 4
        if kind == "P":
            name, command, parameters = body[:1], body[1:-3], body[-3:]
            assert (name, parameters) == (b"\0", b"\0\0\0")
            commands.append(command.decode())
        kinds, at = kinds + kind, at + 1 + length
    assert kinds == "PBE" * len(commands)
    return commands
