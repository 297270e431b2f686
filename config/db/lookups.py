"""How names are found as people type them."""

from typing import Any

from django.db.models import CharField, Lookup, TextField

# Alefs with and without hamza or madda, alef maqsura, taa marbuta, hamzas on a seat, Persian letters, Arabic digits …
LETTERS = "أإآٱىةؤئیک٠١٢٣٤٥٦٧٨٩"
PLAIN = "اااايهوييك0123456789"
# … and what is only written to help the reader or to stretch a word: tatweel, vowel signs.
SIGNS = "ـ\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652\u0670"
FOLD = f"translate(lower(%s), '{LETTERS}{SIGNS}', '{PLAIN}')"


@CharField.register_lookup
@TextField.register_lookup
class Resembles(Lookup):
    """`contact_name__resembles="احمد"`: holds it, whichever way Arabic letters are written, and in any case."""

    lookup_name = "resembles"

    def get_prep_lookup(self) -> Any:
        return str(self.rhs)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        left, left_values = self.process_lhs(compiler, connection)
        right, right_values = self.process_rhs(compiler, connection)
        where = f"strpos({FOLD % f'{left}::text'}, {FOLD % f'{right}::text'}) > 0"
        return where, (*left_values, *right_values)
