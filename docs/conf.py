"""Sphinx's settings. `make docs` builds the site from what generate.py has written; nothing in it is fetched from elsewhere."""

import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx

import varproof

project = "varproof"
copyright = "the varproof developers"
release = varproof.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 4
myst_links_external_new_tab = False
smartquotes = False  # They would make a dash of the two before an option.
napoleon_google_docstring = False
add_module_names = False
autodoc_member_order = "bysource"
html_theme = "furo"
html_title = f"varproof {release}"
html_copy_source = False
html_show_copyright = False
html_math_renderer = "mathml"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
pygments_style = "friendly"


def _inline(self: Any, node: nodes.math) -> None:
    self.body.append(convert(node.astext(), display="inline"))
    raise nodes.SkipNode


def _block(self: Any, node: nodes.math_block) -> None:
    self.body.append(f'<div class="math">{convert(node.astext(), display="block")}</div>')
    raise nodes.SkipNode


def _as_restructured_text(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Docstrings have code in single backticks, and blocks of code by indentation alone."""
    text = re.sub(r"(?<!`)`([^`]+)`(?!`)", r"``\1``", "\n".join(lines))
    lines[:] = re.sub(r"(?<!:)\n\n((?: {4}.*\n|\n)+)", r"\n\n::\n\n\1\n", text + "\n").splitlines()


def setup(app: Sphinx) -> None:
    """Equations as MathML, which browsers draw by themselves."""
    app.connect("autodoc-process-docstring", _as_restructured_text)
    app.add_html_math_renderer("mathml", inline_renderers=(_inline, None), block_renderers=(_block, None))
