import pickle

import pytest

from domain import errors


def test_config_error_says_every_problem_on_a_line_of_its_own() -> None:
    error = errors.ConfigError("a.b: 1 is not allowed", "a.c: unknown key")
    assert error.problems == ("a.b: 1 is not allowed", "a.c: unknown key")
    assert str(error) == "a.b: 1 is not allowed\na.c: unknown key"


def test_config_error_survives_a_process_border() -> None:
    error = errors.ConfigError("one", "two")
    assert pickle.loads(pickle.dumps(error)).problems == ("one", "two")


@pytest.mark.parametrize("kind", [errors.Rejected, errors.NotSent, errors.Unknown])
def test_every_class_of_broker_answer_is_a_broker_error(kind: type[Exception]) -> None:
    assert issubclass(kind, errors.BrokerError)


def test_bad_rule_refuses_the_start_like_any_bad_setting() -> None:
    assert issubclass(errors.RuleError, errors.ConfigError)
    assert issubclass(errors.RuleError, ValueError)
