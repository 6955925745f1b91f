"""CloudWatch's metric math, as far as alarms of this kind need it: one value at a time.

User guide, "Using metric math": arithmetic, comparisons, AND and OR, IF, FILL, and ABS, CEIL,
FLOOR, and AVG, MAX, MIN, SUM of a list of metrics. A metric without a value at that time leaves
the expression without one, unless FILL stands around it.
"""

import ast
import math
import operator
import re
import warnings
from collections.abc import Callable, Mapping
from statistics import fmean
from typing import TypeVar

Values = Mapping[str, float]
KnownT = TypeVar("KnownT")


class MathError(ValueError):
    """An expression that cannot be evaluated here; the message says what of it."""


class _NoValueError(Exception):
    """There is no value at that time."""


_WORDS = ((r"&&|\bAND\b", " and "), (r"\|\||\bOR\b", " or "), (r"\^", "**"), (r"\bIF\s*\(", "IF_("))

_OPERATORS: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: math.pow,
}
_COMPARISONS: dict[type, Callable[[float, float], bool]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_OF_ONE: dict[str, Callable[[float], float]] = {"ABS": abs, "CEIL": math.ceil, "FLOOR": math.floor}
_OF_LIST: dict[str, Callable[[list[float]], float]] = {
    "AVG": fmean,
    "MAX": max,
    "MIN": min,
    "SUM": math.fsum,
}


def evaluate(expression: str, values: Values) -> float | None:
    """The expression's value where its metrics have ``values``, by id; ``None`` if it has none.

    Raises ``MathError``.
    """
    tree = _parsed(expression)
    try:
        value = _value(tree, values)
    except (_NoValueError, ArithmeticError):
        return None
    except RecursionError as error:
        raise MathError("the expression is nested too deeply") from error
    return value if math.isfinite(value) else None


def _parsed(expression: str) -> ast.expr:
    text = expression
    for pattern, word in _WORDS:
        text = re.sub(pattern, word, text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of literals such as "1if"
            return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise MathError(f"{expression!r} is no expression that can be read") from error


def _value(node: ast.expr, values: Values) -> float:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return _metric(name, values)
        case ast.UnaryOp(op=ast.USub()):
            return -_value(node.operand, values)
        case ast.BinOp():
            apply = _known(_OPERATORS, node.op)
            return float(apply(_value(node.left, values), _value(node.right, values)))
        case ast.Compare(ops=[sign], comparators=[right]):
            compare = _known(_COMPARISONS, sign)
            return float(compare(_value(node.left, values), _value(right, values)))
        case ast.BoolOp():
            join = all if isinstance(node.op, ast.And) else any
            return float(join([_value(item, values) for item in node.values]))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return _called(name, arguments, values)
    raise MathError(f"{ast.unparse(node)!r} is not offered in an expression")


def _metric(name: str, values: Values) -> float:
    if name not in values:
        raise _NoValueError
    return values[name]


def _called(name: str, arguments: list[ast.expr], values: Values) -> float:
    if name == "IF_" and len(arguments) in (2, 3):
        return _chosen(arguments, values)
    if name == "FILL" and len(arguments) == 2:
        try:
            return _value(arguments[0], values)
        except _NoValueError:
            return _value(arguments[1], values)
    if name in _OF_ONE and len(arguments) == 1:
        return float(_OF_ONE[name](_value(arguments[0], values)))
    if name in _OF_LIST and len(arguments) == 1 and isinstance(arguments[0], ast.List):
        return float(_OF_LIST[name]([_value(item, values) for item in arguments[0].elts]))
    raise MathError(f"{name.removesuffix('_')} with these arguments is not offered")


def _chosen(arguments: list[ast.expr], values: Values) -> float:
    """Without a third argument there is no value where the condition is false."""
    condition, *outcomes = arguments
    if _value(condition, values):
        return _value(outcomes[0], values)
    if len(outcomes) == 1:
        raise _NoValueError
    return _value(outcomes[1], values)


def _known(table: Mapping[type, KnownT], sign: ast.AST) -> KnownT:
    found = table.get(type(sign))
    if found is None:
        raise MathError(f"the operator {type(sign).__name__} is not offered in an expression")
    return found
