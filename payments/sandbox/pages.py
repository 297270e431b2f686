"""The payer's page: plain HTML in English or Arabic, for a phone as well as for a desk. No script, nothing loaded."""

from html import escape
from typing import Any

OUTCOMES = ("approve", "decline", "timeout", "late", "duplicate", "reorder")

TEXTS: dict[str, dict[str, str]] = {
    "en": {
        "title": "Sandbox payment",
        "note": "This is a trial gateway. No money moves; choose what shall happen.",
        "pay": "To pay",
        "for": "For",
        "approve": "Pay",
        "approve_help": "The payment succeeds, and the shop is told.",
        "decline": "Decline",
        "decline_help": "The card is refused, and the shop is told.",
        "timeout": "Take the money, say nothing",
        "timeout_help": "The payment succeeds, this page fails (504), and the shop is never told.",
        "late": "Pay too late",
        "late_help": "The payment succeeds only after the time to pay has ended.",
        "duplicate": "Tell ten times",
        "duplicate_help": "The payment succeeds; the same notice is sent ten times at once.",
        "reorder": "Tell in the wrong order",
        "reorder_help": "The payment succeeds; an older notice arrives after the newer one.",
        "others": "What else can happen at a gateway",
        "requires_action": "Waiting for you",
        "processing": "Being processed",
        "succeeded": "Paid",
        "failed": "Declined",
        "cancelled": "Ended without payment",
        "ended": "Nothing is left to do here.",
        "back": "Back to the shop",
        "not_found": "There is no such payment.",
        "bad_outcome": "Choose one of the outcomes offered.",
        "timed_out": "The gateway did not answer in time.",
        "switch": "العربية",
    },
    "ar": {
        "title": "دفع تجريبي",
        "note": "هذه بوابة تجريبية لا تنتقل عبرها أي أموال؛ اختر ما تريد أن يحدث.",
        "pay": "المبلغ المطلوب",
        "for": "مقابل",
        "approve": "ادفع",
        "approve_help": "تنجح عملية الدفع ويُبلَّغ المتجر.",
        "decline": "رفض البطاقة",
        "decline_help": "تُرفض البطاقة ويُبلَّغ المتجر.",
        "timeout": "خصم المبلغ دون إبلاغ",
        "timeout_help": "تنجح عملية الدفع وتتعطل هذه الصفحة (504) ولا يُبلَّغ المتجر أبدًا.",
        "late": "الدفع بعد فوات الأوان",
        "late_help": "لا تنجح عملية الدفع إلا بعد انتهاء المهلة.",
        "duplicate": "الإبلاغ عشر مرات",
        "duplicate_help": "تنجح عملية الدفع ويُرسل الإشعار نفسه عشر مرات في آن واحد.",
        "reorder": "الإبلاغ بترتيب خاطئ",
        "reorder_help": "تنجح عملية الدفع ويصل إشعار أقدم بعد الأحدث.",
        "others": "ما قد يحدث أيضًا لدى بوابات الدفع",
        "requires_action": "بانتظارك",
        "processing": "قيد المعالجة",
        "succeeded": "مدفوعة",
        "failed": "مرفوضة",
        "cancelled": "انتهت دون دفع",
        "ended": "لا شيء متبقٍّ هنا.",
        "back": "العودة إلى المتجر",
        "not_found": "لا توجد عملية دفع كهذه.",
        "bad_outcome": "اختر إحدى النتائج المعروضة.",
        "timed_out": "لم تستجب البوابة في الوقت المحدد.",
        "switch": "English",
    },
}

STYLE = """
:root{color-scheme:light dark;--ink:#1d2b2a;--soft:#5c6e6c;--paper:#fff;--ground:#eef5f3;
--line:#d6e3e0;--main:#22756d;--bad:#b3402e}
@media (prefers-color-scheme:dark){:root{--ink:#e6efed;--soft:#9db0ad;--paper:#16211f;--ground:#0d1514;--line:#2b3b38;
--main:#2f9488;--bad:#d4604c}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;background:var(--ground);color:var(--ink);line-height:1.5;
font-family:system-ui,-apple-system,"Segoe UI","Noto Sans","Noto Naskh Arabic","Geeza Pro",Tahoma,sans-serif}
main{max-width:30rem;margin:0 auto;padding:1.25rem 1rem 3rem}
header{display:flex;justify-content:space-between;align-items:center;padding:.5rem .25rem 1rem;color:var(--soft)}
header a{color:var(--main);text-decoration:none;font-weight:600}
section{background:var(--paper);border:1px solid var(--line);border-radius:16px;padding:1.5rem;
box-shadow:0 8px 28px rgb(15 60 55/.07)}
h1{font-size:1.1rem;margin:0}
.amount{font-size:2.4rem;font-weight:700;letter-spacing:-.02em;margin:.1rem 0 .2rem;unicode-bidi:isolate}
.label{color:var(--soft);font-size:.9rem;margin:0}
.note{color:var(--soft);font-size:.9rem;margin:1.1rem 0}
button{display:block;width:100%;border:1px solid var(--line);border-radius:12px;background:transparent;color:inherit;
font:inherit;text-align:start;padding:.75rem 1rem;margin-top:.6rem;cursor:pointer;min-height:48px}
button:hover,button:focus-visible{border-color:var(--main);outline:2px solid var(--main);outline-offset:1px}
button b{display:block;font-weight:600}
button small{color:var(--soft)}
button.main{background:var(--main);border-color:var(--main);color:#fff}
button.main small{color:#e2f4f1}
button.bad b{color:var(--bad)}
h2{font-size:.9rem;color:var(--soft);font-weight:600;margin:1.6rem 0 .2rem}
.state{font-size:1.4rem;font-weight:700;margin:.2rem 0}
.back{display:inline-block;margin-top:1rem;color:var(--main);font-weight:600}
"""


def _page(language: str, switch_to: str, content: str) -> bytes:
    text = TEXTS[language]
    direction = "rtl" if language == "ar" else "ltr"
    switch = f'<a href="{escape(switch_to)}" lang="{_other(language)}">{text["switch"]}</a>' if switch_to else ""
    return (
        f'<!doctype html><html lang="{language}" dir="{direction}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{text['title']}</title><style>{STYLE}</style></head><body><main>"
        f"<header><h1>{text['title']}</h1>{switch}</header><section>{content}</section></main></body></html>"
    ).encode()


def _other(language: str) -> str:
    return "en" if language == "ar" else "ar"


def _button(text: dict[str, str], outcome: str, kind: str = "") -> str:
    return (
        f'<button name="outcome" value="{outcome}" class="{kind}">'
        f"<b>{text[outcome]}</b><small>{text[outcome + '_help']}</small></button>"
    )


def payer_page(payment: dict[str, Any], language: str) -> bytes:
    """The form while the payer may act; afterwards what became of the payment."""
    text = TEXTS[language]
    switch_to = f"?lang={_other(language)}"
    head = (
        f'<p class="label">{text["pay"]}</p>'
        f'<p class="amount">{escape(payment["amount"])} {escape(payment["currency"])}</p>'
        f'<p class="label">{text["for"]} <bdi>{escape(payment["description"] or payment["reference"])}</bdi></p>'
    )
    if payment["status"] != "requires_action":
        back = f'<a class="back" href="{escape(payment["return_url"])}">{text["back"]}</a>'
        return _page(
            language,
            switch_to,
            f'{head}<p class="note">{text["ended"]}</p><p class="state">{text[payment["status"]]}</p>{back}',
        )
    others = "".join(_button(text, outcome) for outcome in ("timeout", "late", "duplicate", "reorder"))
    return _page(
        language,
        switch_to,
        f'{head}<p class="note">{text["note"]}</p><form method="post">'
        f"{_button(text, 'approve', 'main')}{_button(text, 'decline', 'bad')}<h2>{text['others']}</h2>{others}</form>",
    )


def message_page(name: str, language: str) -> bytes:
    """A page with one sentence."""
    return _page(language, "", f'<p class="state">{TEXTS[language][name]}</p>')
