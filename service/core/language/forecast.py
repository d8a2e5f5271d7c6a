"""What can be told of loops and functions before they run: their operations, and the names they carry on."""

from __future__ import annotations

from collections.abc import Container, Mapping
from itertools import accumulate

from service.core.language.parser import Statement, Tape
from service.core.language.values import whole_result


class Forecast:
    """Counts over the instructions of a tape.

    Parameters
    ----------
    tape : Tape
        A parsed function.
    counted : container of str
        Kinds of instructions that make operations.
    limit : int
        A count that is too high already; nothing is counted far beyond it.
    """

    def __init__(self, tape: Tape, counted: Container[str], limit: int) -> None:
        self.tape = tape
        self.limit = limit
        self.counts = [0, *accumulate([instruction.kind in counted for instruction in tape.instructions])]

    def cost(self, statement: Statement, functions: Mapping[str, int]) -> int:
        """Count the operations of a definition's body, those of the functions it calls included."""
        calls = [
            functions.get(instruction.text, 0)
            for instruction in self.tape.instructions[statement.start : statement.stop]
            if instruction.kind == "call"
        ]
        return min(self.counts[statement.stop] - self.counts[statement.start] + sum(calls), self.limit + 1)

    def least(
        self, body: tuple[Statement, ...], names: Mapping[str, int], rounds: range, variable: str
    ) -> int:
        """Return a lower bound of the operations that a loop makes."""
        known = {name: value for name, value in names.items() if not _assigns(body, name)}
        if not any(self._mentions(statement, variable) for statement in body):
            return _count(rounds) * (1 + self._once(body, known)) if rounds else 0
        total = 0
        for number in rounds:
            total += 1 + self._once(body, {**known, variable: number})
            if total > self.limit:
                break
        return total

    def _once(self, statements: tuple[Statement, ...], names: Mapping[str, int]) -> int:
        total = 0
        for statement in statements:
            if statement.kind == "definition":
                continue
            total += self.counts[statement.stop] - self.counts[statement.start]
            if statement.kind == "loop":
                rounds = self._rounds(statement, names)
                total += self.least(statement.body, names, rounds, statement.names[0].text)
            if total > self.limit:
                break
        return total

    def _rounds(self, loop: Statement, names: Mapping[str, int]) -> range:
        """Return the rounds of a loop; none where its range is not known yet."""
        arguments = [self._whole(value, names) for value in loop.values]
        known = [argument for argument in arguments if argument is not None]
        if len(known) != len(arguments) or len(known) > 3 or known[2:] == [0]:
            return range(0)
        return range(*known)

    def _whole(self, position: int, names: Mapping[str, int]) -> int | None:
        """Compute a whole expression of names that are known, without running it."""
        instruction = self.tape.instructions[position]
        if instruction.kind == "number":
            return instruction.detail if isinstance(instruction.detail, int) else None
        if instruction.kind == "name":
            return names.get(instruction.text)
        operands = [self._whole(argument, names) for argument in instruction.arguments]
        if instruction.kind == "unary" and operands[0] is not None:
            return -operands[0] if instruction.text == "-" else operands[0]
        if instruction.kind == "binary" and operands[0] is not None and operands[1] is not None:
            return whole_result(instruction.text, operands[0], operands[1])
        if instruction.kind == "call" and instruction.text == "len" and len(instruction.arguments) == 1:
            return names.get(f"len({self.tape.instructions[instruction.arguments[0]].text})")
        return None

    def _mentions(self, loop: Statement, name: str) -> bool:
        """Tell whether the rounds of a loop depend on a name."""
        if loop.kind != "loop":
            return False
        instructions = self.tape.instructions[loop.start : loop.stop]
        return any(each.kind == "name" and each.text == name for each in instructions) or any(
            self._mentions(statement, name) for statement in loop.body
        )

    def carried(self, body: tuple[Statement, ...], names: Container[str]) -> list[str]:
        """Return the names that a round of a loop may read from the round before: read, then assigned."""
        assigned: set[str] = set()
        read: list[str] = []
        self._follow(body, assigned, read)
        return [name for name in dict.fromkeys(read) if name in assigned and name in names]

    def _follow(self, body: tuple[Statement, ...], assigned: set[str], read: list[str]) -> None:
        for statement in body:
            read += [
                instruction.text
                for instruction in self.tape.instructions[statement.start : statement.stop]
                if instruction.kind == "name" and instruction.text not in assigned
            ]
            if statement.kind in ("assignment", "loop"):
                assigned.update(name.text for name in statement.names)
            self._follow(statement.body, assigned, read)


def _count(rounds: range) -> int:
    """Return the length of a range, which may be more than `len` can tell."""
    return max(0, -((rounds.start - rounds.stop) // rounds.step))


def _assigns(body: tuple[Statement, ...], name: str) -> bool:
    """Tell whether statements assign a name; its length, under `len(name)`, goes with it."""
    plain = name.removeprefix("len(").removesuffix(")")
    return any(
        any(each.text == plain for each in statement.names) or _assigns(statement.body, name)
        for statement in body
    )
