"""What the frame of the page says in each language: signing in, refusals, what stands on every page.

A page's own words belong beside that page.
"""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, Mapping[str, str]] = {
    "da": {
        "sign_in": "Log ind",
        "sign_out": "Log ud på alle enheder",
        "user": "Bruger",
        "password": "Adgangskode",
        "other_language": "English",
        "to_content": "Til indholdet",
        "to_front": "Til forsiden",
        "noted": "Det noteres, hvem der har set hvilken kunde.",
        "opened_as": "Åbnet uden adgangskode på denne maskine som {role}. Kun til at prøve med.",
        "wrong": "Bruger og adgangskode passer ikke sammen.",
        "wait": "Der er forsøgt for mange gange. Prøv igen om {minutes} min.",
        "salesperson": "sælger",
        "manager": "salgsleder",
        "finance": "økonomi",
        "audit": "revision",
        "400": "Forespørgslen kan ikke læses|Gå tilbage, og prøv igen.",
        "403": "Ingen adgang|Din rolle har ikke adgang til denne side.",
        "404": "Ikke fundet|Siden findes ikke, eller du har ikke adgang til den.",
        "405": "Ikke muligt|Siden kan ikke kaldes på den måde. Gå tilbage, og prøv igen.",
        "413": "For meget|Der er sendt mere, end siden kan tage imod. Skriv kortere.",
        "414": "For langt|Adressen er for lang. Vælg færre filtre.",
        "415": "Ikke muligt|Siden tager kun imod sine egne formularer.",
        "500": "Noget gik galt|Serveren har noteret det. Prøv igen, eller sig det til den, der driver siden.",
        "503": "Ikke klar|Siden kan ikke vises lige nu. Prøv igen, eller sig det til den, der driver siden.",
        "form": "Formularen gælder ikke længere|Åbn siden igen, og send formularen derfra.",
        "unknown": "Ingen adgang|{name} er ikke oprettet som bruger her. Bed den, der driver siden, om det.",
        "nothing": "Intet er offentliggjort endnu|Regnskaberne vises, når den første opdatering er færdig.",
    },
    "en": {
        "sign_in": "Sign in",
        "sign_out": "Sign out on all devices",
        "user": "User",
        "password": "Password",
        "other_language": "Dansk",
        "to_content": "To the content",
        "to_front": "To the front page",
        "noted": "It is noted who has seen which customer.",
        "opened_as": "Opened without a password on this machine as {role}. For trying only.",
        "wrong": "User and password do not belong together.",
        "wait": "There were too many attempts. Try again in {minutes} min.",
        "salesperson": "salesperson",
        "manager": "sales manager",
        "finance": "finance",
        "audit": "audit",
        "400": "The request cannot be read|Go back and try again.",
        "403": "No access|Your role does not open this page.",
        "404": "Not found|There is no such page, or it is not yours to see.",
        "405": "Not possible|The page cannot be called that way. Go back and try again.",
        "413": "Too much|More was sent than the page takes. Write less.",
        "414": "Too long|The address is too long. Choose fewer filters.",
        "415": "Not possible|The page takes its own forms only.",
        "500": "Something went wrong|The server has noted it. Try again, or tell whoever runs the page.",
        "503": "Not ready|The page cannot be shown now. Try again, or tell whoever runs the page.",
        "form": "The form no longer holds|Open the page again, and send the form from there.",
        "unknown": "No access|{name} is not a user here. Ask whoever runs the page.",
        "nothing": "Nothing is published yet|The page shows the accounts when the first refresh is done.",
    },
}
