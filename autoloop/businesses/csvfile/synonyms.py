"""What people call their columns, in several languages. Accents, case and punctuation do not count."""

from __future__ import annotations

__all__ = ["BUSINESS_FIELDS", "SYNONYMS"]

# target: header; header; …
SYNONYMS: dict[str, str] = {
    "email": "email; e mail; mail; email address; e mail address; mail address; emailadresse; e mail adresse; "
    "mailadresse; adresse email; adresse e mail; adresse mail; courriel; correo; correo electronico; "
    "direccion de correo; direccion de correo electronico; indirizzo email; posta elettronica; "
    "endereco de email; correio eletronico; e mailadres; mailadres; adres email; adres e mail; epost; e post; "
    "contact email; contact e mail; work email; business email; person email; primary email; email 1; "
    "sahkoposti; eposta; e posta; pochta; email контакта; почта; электронная почта; 邮箱; メール",
    "first_name": "first name; firstname; given name; forename; fname; contact first name; vorname; prenom; "
    "nombre; primer nombre; nome; primeiro nome; voornaam; imie; fornamn; fornavn; etunimi; имя; 名",
    "last_name": "last name; lastname; surname; family name; lname; contact last name; nachname; familienname; "
    "zuname; nom de famille; nom; apellido; apellidos; cognome; sobrenome; apelido; achternaam; nazwisko; "
    "efternamn; efternavn; etternavn; sukunimi; фамилия; 姓",
    "full_name": "full name; fullname; name of contact; contact name; contact; person; contact person; display name; "
    "ansprechpartner; kontakt; kontaktperson; nom complet; nom et prenom; nombre completo; nome completo; "
    "nome e cognome; volledige naam; contactpersoon; imie i nazwisko; фио; 氏名",
    "title": "title; job title; jobtitle; position; role; job; function; occupation; titel; funktion; stelle; "
    "berufsbezeichnung; poste; fonction; puesto; cargo; ruolo; posizione; qualifica; functie; stanowisko; "
    "befattning; stilling; должность; 役職",
    "phone": "phone; phone number; telephone; tel; mobile; mobile phone; cell; cell phone; contact phone; direct phone; "
    "telefon; telefonnummer; handy; mobil; rufnummer; telephone portable; portable; telefono; movil; celular; "
    "cellulare; telefone; telemovel; telefoon; telefoonnummer; mobiel; numer telefonu; телефон; 電話番号",
    "external_id": "contact id; external id; externalid; person id; customer contact id; crm id; crm contact id; "
    "record id; kontakt id; id contacto; id contact; contactnummer",
    "timezone": "timezone; time zone; tz; zeitzone; fuseau horaire; zona horaria; fuso orario; fuso horario; tijdzone; "
    "strefa czasowa; часовой пояс",
    "locale": "locale; language; lang; sprache; langue; idioma; lingua; taal; jezyk; sprak; язык",
    "tags": "tags; tag; labels; label; lists; list; etiquettes; etiquetas; etichette; schlagworte; schlagworter; "
    "tagi; segment; segments; gruppe; gruppen",
    "topics": "topics; topic; subscriptions; interests; newsletters; newsletter; themen; abonnements; sujets; temas",
    "consent": "consent; marketing consent; opt in; optin; email opt in; subscribed; marketing opt in; gdpr consent; "
    "einwilligung; zustimmung; consentement; consentimiento; consenso; consentimento; toestemming; zgoda; согласие",
    "consent_tracking": "consent tracking; tracking consent; open tracking; email tracking; tracking einwilligung",
    "status": "contact status; email status; subscription status; kontaktstatus",
    "business.name": "company; company name; business; business name; organization; organisation; organization name; "
    "organisation name; account; account name; employer; firm; firma; firmenname; unternehmen; betrieb; "
    "organisationsname; entreprise; societe; nom de l entreprise; raison sociale; empresa; "
    "nombre de la empresa; compania; razon social; azienda; nome azienda; ragione sociale; societa; "
    "nome da empresa; bedrijf; bedrijfsnaam; firma nazwa; nazwa firmy; foretag; virksomhed; yritys; "
    "компания; организация; 会社名; 会社",
    "business.domain": "domain; company domain; domain name; website domain; company domain name; domane; domaine; "
    "dominio; dominio web; domein; domena; домен",
    "business.website": "website; web site; url; web; homepage; company website; company url; webseite; internetseite; "
    "internet; site web; site; sitio web; pagina web; sito; sito web; strona www; strona internetowa; "
    "hemsida; hjemmeside; сайт",
    "business.external_id": "company id; business id; account id; organization id; organisation id; customer id; "
    "customer number; client id; kundennummer; kunden nr; kundennr; firmennummer; numero client; "
    "numero de cliente; codice cliente; klantnummer; numer klienta",
    "business.email": "company email; company e mail; info email; general email; firmen email; email entreprise",
    "business.phone": "company phone; company telephone; main phone; office phone; business phone; zentrale; "
    "telephone entreprise; telefono empresa",
    "business.city": "city; town; locality; stadt; ort; wohnort; ville; ciudad; citta; cidade; stad; plaats; "
    "miasto; ort stadt; by; kaupunki; город; 市区町村",
    "business.country": "country; country code; land; pays; pais; paese; nazione; kraj; maa; страна; 国",
    "business.status": "company status; business status; account status; lifecycle stage",
    "business.timezone": "company timezone; company time zone",
    "business.tags": "company tags; business tags; account tags",
}

# Words that tell of the company rather than of the person: such columns become fields of the business.
BUSINESS_FIELDS = frozenset(
    [
        "industry",
        "sector",
        "branche",
        "branch",
        "employees",
        "size",
        "headcount",
        "revenue",
        "turnover",
        "umsatz",
        "mitarbeiter",
        "secteur",
        "industria",
        "settore",
        "setor",
        "bransch",
        "street",
        "address",
        "strasse",
        "adresse",
        "zip",
        "postcode",
        "postal",
        "plz",
        "region",
        "state",
        "county",
        "founded",
        "vat",
        "ust",
        "siret",
        "company",
        "business",
        "organization",
        "organisation",
        "account",
        "firma",
        "linkedin_company",
        "entreprise",
        "empresa",
        "azienda",
        "category",
        "kategorie",
    ]
)
