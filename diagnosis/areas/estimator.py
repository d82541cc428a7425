"""The manners every area estimator shares: parameters in the constructor, results after ``fit``."""

from __future__ import annotations

import inspect

from diagnosis.errors import unknown_name


class Estimator:
    """Parameters that can be read, changed, shown and cloned as scikit-learn does.

    A subclass takes keyword-only parameters and stores each, as given, under its own name; ``fit`` checks them and
    sets results whose names end in ``_``. ``sklearn.base.clone`` works on it. ``sklearn.base.BaseEstimator`` is not
    the base because importing it takes longer than all of this package.
    """

    @classmethod
    def _defaults(cls) -> dict:
        parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
        return {parameter.name: parameter.default for parameter in parameters}

    def get_params(self, deep: bool = True) -> dict:
        """Return the parameters by name.

        Parameters
        ----------
        deep : bool, default True
            Accepted for scikit-learn's sake; no parameter is an estimator.

        Returns
        -------
        dict
        """
        return {name: getattr(self, name) for name in self._defaults()}

    def set_params(self, **parameters):
        """Change parameters by name.

        Parameters
        ----------
        **parameters
            New values.

        Returns
        -------
        Estimator
            The estimator itself.

        Raises
        ------
        diagnosis.errors.UnknownNameError
            A name is not a parameter; none is changed then.
        """
        known = self._defaults()
        for name in parameters:
            if name not in known:
                raise unknown_name(f"A parameter of {type(self).__name__}", name, known)
        for name, value in parameters.items():
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = self._defaults()
        shown = {name: _brief(value) for name, value in self.get_params().items()}
        changed = (f"{name}={text}" for name, text in shown.items() if text != repr(defaults[name]))
        return f"{type(self).__name__}({', '.join(changed)})"


def _brief(value: object) -> str:
    """Show a parameter; of a table only its kind and shape."""
    shape = getattr(value, "shape", None)
    return repr(value) if shape is None else f"<{type(value).__name__} of shape {shape}>"
