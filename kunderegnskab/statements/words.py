"""The words of statements, lists and reports in both languages.

Here: what the program says. Names of lines, sentences of actions and reasons come from the publication.
"""

from __future__ import annotations

from collections.abc import Mapping

from kunderegnskab.language import Code

_WORDS: dict[str, tuple[str, str]] = {
    "statement": ("Kunderegnskab", "Customer account"),
    "internal": ("internt", "internal"),
    "customer": ("Kunde", "Customer"),
    "customer_no": ("Kundenr.", "Customer no."),
    "segment": ("Segment", "Segment"),
    "good_customer": ("den gode kunde", "good customer"),
    "no_segment": ("uden segment", "no segment"),
    "salesperson": ("Sælger", "Salesperson"),
    "industry": ("Branche", "Industry"),
    "chain": ("Kæde", "Chain"),
    "in_no_chain": ("ingen", "none"),
    "outlets": ("{count} kunder", "{count} customers"),
    "since": ("Kunde siden", "Customer since"),
    "terms": ("Betalingsfrist", "Payment terms"),
    "days": ("{count} dage", "{count} days"),
    "orders": ("Ordrer", "Orders"),
    "orders_of": ("{count} à {size} {currency}", "{count} of {size} {currency}"),
    "visits": ("Besøg", "Visits"),
    "visits_of": ("{made} af {owed} planlagte", "{made} of {owed} planned"),
    "last_visit": ("Seneste besøg", "Last visit"),
    "period": ("{first} – {last}", "{first} – {last}"),
    "incomplete": ("færre end tolv måneder", "fewer than twelve months"),
    "compared": ("mod de tolv måneder før", "against the twelve months before"),
    "not_compared": ("uden sammenligning", "nothing to compare with"),
    "account": ("Regnskabet, linje for linje", "The account, line by line"),
    "line": ("Linje", "Line"),
    "share": ("% af netto", "% of net"),
    "before": ("Året før", "Year before"),
    "change": ("Ændring", "Change"),
    "waterfall": ("Fra listepris til DB III", "From list price down"),
    "was": ("{change} mod {before}", "{change} vs {before}"),
    "was_points": ("{change} pp. mod {before}", "{change} pp vs {before}"),
    "by_month": ("{line} pr. måned", "{line} by month"),
    "mark": ("streg: året før", "mark: year before"),
    "drivers": (
        "Hvad omkostningerne tager, mod de gode kunder",
        "What costs take, beside the good customers",
    ),
    "of_the_good": ("gode: {rate}", "good: {rate}"),
    "actions": ("Hvad der kan aftales", "What could be agreed"),
    "action": ("Aftale", "Agreement"),
    "accepted": ("Godtaget af {who}, {day}", "Accepted by {who}, {day}"),
    "rejected": ("Afvist af {who}, {day}", "Rejected by {who}, {day}"),
    "worth": ("Værd på 12 mdr.", "Worth in 12 months"),
    "total": ("I alt", "Total"),
    "no_actions": ("Der er ingen aktioner for kunden.", "There are no actions for the customer."),
    "more_actions": (
        "og {count} mere værd {worth} i alt; se regnearket",
        "and {count} more worth {worth} in all; see the workbook",
    ),
    "visit_list": ("Besøgsliste", "Visits by priority"),
    "visit_summary": (
        "{customers} kunder, {owed} mangler besøg",
        "{customers} customers, {owed} are owed visits",
    ),
    "visits_made": ("Besøg", "Visits"),
    "visits_planned": ("Planlagt", "Planned"),
    "visits_owed": ("Mangler", "Owed"),
    "best_action": ("Handling, der er mest værd", "Action that is worth most"),
    "rank": ("Nr.", "No."),
    "at_stake": ("På spil, 12 mdr.", "At stake, 12 months"),
    "why": ("Hvorfor, og hvad der kan aftales", "Why, and what could be agreed"),
    "notes": ("Noter", "Notes"),
    "of": ("{made} af {owed}", "{made} of {owed}"),
    "month_report": ("Ledelsesrapport", "Management report"),
    "overview": ("Overblik", "Overview"),
    "concentration": (
        "{customers} kunder tjener {peak}; de øvrige {rest} tager {erosion} af det igen.",
        "{customers} customers earn {peak}; the other {rest} take {erosion} of it away again.",
    ),
    "whale": ("Hvalkurven: DB III, kunde for kunde", "The whale curve: contribution, customer by customer"),
    "short_net_sales": ("Nettooms.", "Net sales"),
    "short_db2": ("DB II", "CM II"),
    "short_db3": ("DB III", "CM III"),
    "groups": ("Kundegrupper", "Groups of customers"),
    "groups_note": (
        "De kunder, der er i gruppen nu, begge år.",
        "The customers who are in the group now, in both years.",
    ),
    "customers": ("Kunder", "Customers"),
    "good_customers": ("Gode", "Good"),
    "salespeople": ("Sælgere", "Salespeople"),
    "salespeople_note": (
        "Hvert beløb hos den, der ejede kunden den dag. Ændringen er summen af egen udvikling, flyttede "
        "kunder, udvikling hos modtagne kunder, nye og tabte kunder, og satser, som virksomheden bestemmer. "
        "En kunde tæller med, når den har en ordre i de tolv måneder.",
        "Each amount with who owned the customer that day. The change is the sum of own development, "
        "customers moved, development of received customers, new and lost customers, and rates, which the "
        "company decides. A customer counts who has an order in the twelve months.",
    ),
    "bridge_own_development": ("Egen", "Own"),
    "bridge_transfer": ("Flyttet", "Moved"),
    "bridge_received": ("Modtaget", "Received"),
    "bridge_new_and_lost": ("Nye, tabte", "New, lost"),
    "bridge_pool_rates": ("Satser", "Rates"),
    "best_actions": ("Handlinger, der er mest værd", "Actions that are worth most"),
    "best_actions_note": (
        "De {shown} største af {actions} handlinger hos {customers} kunder, i alt {worth} på 12 måneder.",
        "The {shown} largest of {actions} actions at {customers} customers, {worth} in 12 months in all.",
    ),
    "by_driver": ("Alle handlinger efter omkostning", "All actions by driver"),
    "tie_out": ("Afstemning til finans", "Tie to the ledger"),
    "tie_out_note": (
        "DB III, mindre det som ingen kunde har fået, plus det som finans ikke har eller har i en anden "
        "måned (kalkulatorisk kredittid og bonus), er resultatet ifølge finans.",
        "Contribution III, less what no customer was given, plus what the ledger does not have or has in "
        "another month (notional credit time and bonus), is the result in the ledger.",
    ),
    "month": ("Måned", "Month"),
    "tie_segment_cost": ("Segmenter", "Segments"),
    "tie_unused_capacity": ("Ledig kapacitet", "Unused capacity"),
    "tie_unallocated": ("Ufordelt", "Not given out"),
    "tie_rate_difference": ("Satsafvigelse", "Rate difference"),
    "tie_added": ("Bonus og kredittid", "Bonus, credit time"),
    "tie_bonus_timing": ("Bonus, periode", "Bonus, timing"),
    "tie_credit_cost_put_back": ("Kredittid", "Credit time"),
    "tie_ledger_result": ("Resultat ifølge finans", "Result in the ledger"),
    "tie_difference": ("Uforklaret", "Unexplained"),
    "sheet_account": ("Regnskab", "Account"),
    "sheet_months": ("Måneder", "Months"),
    "sheet_drivers": ("Omkostninger", "Cost drivers"),
    "sheet_actions": ("Aktioner", "Actions"),
    "sheet_trace": ("Spor", "Trace"),
    "driver_driver": ("Omkostning", "Driver"),
    "driver_cost": ("Beløb", "Amount"),
    "driver_base": ("Grundlag", "Base"),
    "driver_rate": ("Sats", "Rate"),
    "driver_segment_rate": ("Segmentets sats", "Rate of the segment"),
    "driver_benchmark": ("De gode kunders sats", "Rate of the good customers"),
    "driver_worth": ("Værd på 12 mdr.", "Worth in 12 months"),
    "publication": ("Udgivelse", "Publication"),
    "published_at": ("Udgivet", "Published at"),
    "head": ("Navn og manifestets SHA-256", "Name and SHA-256 of the manifest"),
    "months_shown": ("Periode", "Period"),
    "made_by": ("Lavet af", "Made by"),
    "how_to_check": ("Sådan efterprøves det", "How to check it"),
    "check_commands": (
        "kunderegnskab verify; kunderegnskab explain db3 --customer {customer} --window r12",
        "kunderegnskab verify; kunderegnskab explain db3 --customer {customer} --window r12",
    ),
    "as_published": ("Udgivet beløb", "As published"),
    "as_computed": ("Regnet i arket", "As computed here"),
    "difference": ("Forskel", "Difference"),
    "made_from": (
        "Udgivelse {publication} af {at}. Beløb i {currency} uden moms. Internt: ikke til udlevering.",
        "Publication {publication} of {at}. Amounts in {currency} without VAT. "
        "Internal: not to be handed out.",
    ),
    "page": ("Side {page} af {pages}", "Page {page} of {pages}"),
}


def words(code: Code) -> Mapping[str, str]:
    """All words of a language by their key."""
    return {key: forms[0 if code == "da" else 1] for key, forms in _WORDS.items()}


def currency_sign(currency: str, code: Code) -> str:
    """What an amount is followed by."""
    return "kr." if currency == "DKK" and code == "da" else currency
