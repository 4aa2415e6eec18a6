# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of the world as they come over the wire."""

from __future__ import annotations

import html
import random
from datetime import datetime
from functools import lru_cache
from typing import Any, Optional

from .world import CAPABILITIES, ROLES, Record, World

WORDPRESS = "https://public-api.wordpress.com"
ZERO_DATE = "0000-00-00 00:00:00"
# What WordPress makes of typographic characters.
TEXTURIZED = str.maketrans({"\u2013": "&#8211;", "\u2019": "&#8217;", "\u201c": "&#8220;", "\u201d": "&#8221;"})

# What a publicize connection may say of its account itself.
OWN_ACCOUNT = ("external_ID", "external_name", "external_display")


class Renderer:
    """Turns records into what the server answers, as the switches have it."""

    def __init__(self, world: World, switches: dict[str, Any], nonces: random.Random, base: str) -> None:
        """Prepare for one response."""
        self.world = world
        self.switches = switches
        self.nonces = nonces
        self.base = base if switches["links_to"] == "simulator" else WORDPRESS
        self.rest = self.base + "/rest/v1.1"
        self._dates: dict[Optional[datetime], str] = {}
        self._accounts: dict[int, dict[Optional[str], Record]] = {}

    # Parts

    def name(self, value: Any) -> Any:
        """Write a name that people see."""
        if not isinstance(value, str):
            return value
        if self.switches["html_names"]:
            value = escaped(value)
        return value + " \ud83d" if self.switches["lone_surrogates"] else value

    def users(self, keyring: Record) -> list[Record]:
        """Return the external users of a keyring connection, where it has any."""
        users = keyring["additional_external_users"]
        return users if isinstance(users, list) else []

    def without_never(self, record: Record, row: Record) -> Record:
        """Give dates that stand for never the form of the switch."""
        form = self.switches["never_form"]
        for key in ("issued", "expires") if form != "date" else ():
            if row.get(key) is None:
                record[key] = None
                if form == "absent":
                    del record[key]
        return record

    def date(self, value: Optional[datetime]) -> str:
        """Write a date in the form of publicize connections."""
        text = self._dates.get(value)
        if text is None:
            text = ZERO_DATE if value is None else value.strftime("%Y-%m-%d %H:%M:%S")
            form = self.switches["pc_date_form"]
            if form == "squeezed":
                text = text.replace(" ", "")
            elif form == "iso":
                text = text.replace(" ", "T") + "+00:00"
            self._dates[value] = text
        return text

    def keyring_expires(self, value: Optional[datetime]) -> Any:
        """Write the expiry of a keyring connection, which has more forms."""
        form = self.switches["kc_expires_form"]
        if form == "zone-less":
            return self.date(value)
        if form == "iso":
            return (ZERO_DATE if value is None else value.strftime("%Y-%m-%d %H:%M:%S")).replace(" ", "T") + "+00:00"
        if value is None:
            if self.switches["kc_unix_never"] == "zero_date":
                return ZERO_DATE
            return 0 if form == "unix_int" else "0"
        stamp = int(value.timestamp())
        return stamp if form == "unix_int" else str(stamp)

    def nonce(self) -> str:
        """Make a nonce: never the same twice, and the same ones after each reset."""
        return f"{self.nonces.getrandbits(40):010x}"

    def connect_link(self, service: str, site: Optional[int], refresh: bool) -> str:
        """Make the address at which the user connects or refreshes an account."""
        link = (
            f"{self.base}/connect/?action=request&kr_nonce={self.nonce()}&nonce={self.nonce()}"
            f"{'&refresh=1' if refresh else ''}&for=connect&service={service}"
        )
        if site is not None:
            link += f"&kr_blog_nonce={self.nonce()}&magic=keyring&blog={site}"
        return link

    def account(self, keyring: Record, external_user: Optional[str]) -> Record:
        """Find what is shown of the account: the default user, or one of the external users."""
        accounts = self._accounts.get(keyring["ID"])
        if accounts is None:
            accounts = {user["external_ID"]: user for user in self.users(keyring)}
            accounts[None] = keyring
            self._accounts[keyring["ID"]] = accounts
        found = accounts.get(external_user)
        if found is None:
            # The page is no longer among those that the account has.
            found = {"external_ID": external_user, "external_name": ""}
        return found

    # Records

    def publicize(self, row: Record) -> Record:
        """Render a publicize connection."""
        keyring = self.world.keyring[row["keyring_connection_ID"]]
        service = self.world.services[keyring["service"]]
        account = self.account(keyring, row["external_user_ID"])
        if not row.keys().isdisjoint(OWN_ACCOUNT):
            account = {**account, **{key: row[key] for key in OWN_ACCOUNT if key in row}}
        dates = {"issued": row["issued"], "expires": row["expires"] if "expires" in row else keyring["expires"]}
        here = f"{self.rest}/sites/{row['site_ID']}"
        own = f"{here}/publicize-connections/{row['ID']}"
        followers = "external_follower_count"
        result = {
            "ID": row["ID"],
            "site_ID": row["site_ID"],
            "user_ID": 0 if row["shared"] else keyring["user_ID"],
            "keyring_connection_ID": keyring["ID"],
            "keyring_connection_user_ID": keyring["user_ID"],
            "shared": row["shared"],
            "service": service["ID"],
            "label": service["label"],
            "issued": self.date(dates["issued"]),
            "expires": self.date(dates["expires"]),
            "external_ID": row["external_ID"] if "external_ID" in row else account["external_ID"] or None,
            "external_name": self.name(account["external_name"]),
            "external_display": self.name(account.get("external_display")),
            "external_profile_picture": account.get("external_profile_picture"),
            "external_profile_URL": account.get("external_profile_URL"),
            followers: row[followers] if followers in row else account.get(followers),
            "status": row["status"] if "status" in row else keyring["status"],
            self.switches["refresh_url_spelling"]: self.connect_link(service["ID"], row["site_ID"], True),
            "meta": {
                "links": {
                    "self": own,
                    "help": own + "/help",
                    "site": here,
                    "service": f"{self.rest}/meta/external-services/{service['ID']}",
                    "keyring-connection": f"{self.rest}/me/keyring-connections/{keyring['ID']}",
                }
            },
        }
        if self.switches["pc_url"] != "absent":
            result["URL"] = account.get("external_profile_URL") if self.switches["pc_url"] == "url" else None
        return self.without_never(result, dates)

    def reduced_publicize(self, row: Record) -> Record:
        """Render another user's shared connection: without what concerns its owner only."""
        result = self.publicize(row)
        if self.switches["read_only_form"] == "reduced":
            for key in ("keyring_connection_ID", "issued", "expires", "external_ID", "external_follower_count"):
                result.pop(key, None)
            del result[self.switches["refresh_url_spelling"]]
            del result["meta"]["links"]["keyring-connection"]
        result["read_only"] = True
        return result

    def keyring(self, row: Record, me: int) -> Record:
        """Render a keyring connection as a user sees it."""
        service = self.world.services[row["service"]]
        own = f"{self.rest}/me/keyring-connections/{row['ID']}"
        numbers = self.world.publicize_by_keyring.get(row["ID"], ())
        sites = sorted({*row["sites"], *(self.world.publicize[number]["site_ID"] for number in numbers)})
        users = row["additional_external_users"]
        result = {
            "ID": row["ID"],
            "user_ID": row["user_ID"],
            "type": service["type"],
            "service": service["ID"],
            "label": service["label"],
            "issued": self.date(row["issued"]),
            "expires": self.keyring_expires(row["expires"]),
            "external_ID": row["external_ID"],
            "external_name": self.name(row["external_name"]),
            "external_display": self.name(row["external_display"]),
            "external_profile_picture": row["external_profile_picture"],
            "additional_external_users": users and [self.external_user(user) for user in self.users(row)],
            "status": row["status"],
            self.switches["refresh_url_spelling"]: self.connect_link(service["ID"], None, True),
            "sites": [str(site) for site in sites] if self.switches["sites_string_ids"] else sites,
            "meta": {
                "links": {
                    "self": own,
                    "help": own + "/help",
                    "service": f"{self.rest}/meta/external-services/{service['ID']}",
                }
            },
        }
        if users == "absent":
            del result["additional_external_users"]
        if not self.users(row) and row.get("additional_external_users_empty_reason") is not None:
            result["additional_external_users_empty_reason"] = row["additional_external_users_empty_reason"]
        if row["user_ID"] == me and self.switches["keyring_user_id"] != "present":
            result["user_ID"] = 0
            if self.switches["keyring_user_id"] == "absent":
                del result["user_ID"]
        if row["php_gaps"]:
            result = with_gaps(result)
        return self.without_never(result, row)

    def external_user(self, user: Record) -> Record:
        """Render one of the external users of a keyring connection."""
        shown = {key: value for key, value in user.items() if key != "external_profile_URL"}
        return {**shown, **{key: self.name(user[key]) for key in ("external_name", "external_display")}}

    def application(self, row: Record) -> Record:
        """Render a connected application, that is, one granted access token."""
        form = self.switches["application_form"]
        site: Any = False
        if row["site_ID"] is not None:
            bound = self.world.sites[row["site_ID"]]
            address = row["site_URL"] if "site_URL" in row else site_url(bound)
            site = {"site_ID": str(bound["ID"]), "site_URL": address, "site_name": self.name(bound["name"])}
        return {
            **({"connection_ID": row["ID"]} if form == "docs" else {"ID": str(row["ID"])}),
            "title": self.name(row["title"]),
            "icon": row["icon"],
            "URL": row["URL"],
            "description": row["description"],
            "permissions": row["permissions"],
            "authorized": row["authorized"].strftime("%Y-%m-%dT%H:%M:%S+00:00"),
            "scope": row["scope"],
            ("site" if form == "wire" else "blog"): site,
        }

    def service(self, row: Record) -> Record:
        """Render an external service."""
        result = {
            "ID": row["ID"],
            "label": row["label"],
            "type": row["type"],
            "description": row["description"],
            "genericon": row["genericon"],
            "icon": row["icon"],
            self.switches["connect_url_spelling"]: self.connect_link(row["ID"], None, False),
            "multiple_external_user_ID_support": row["multiple_external_user_ID_support"],
            "jetpack_support": row["jetpack_support"],
            "jetpack_module_required": row["jetpack_module_required"],
            "warnings": row["warnings"],
        }
        for key in ("external_users_only", "status"):
            if key in row:
                result[key] = row[key]
        return result

    def site(self, row: Record, user: Optional[Record], options: Optional[str] = None) -> Record:
        """Render a site as a user sees it, or as the public does."""
        own = f"{self.rest}/sites/{row['ID']}"
        result = {
            "ID": row["ID"],
            "name": self.name(row["name"]),
            "description": row["description"],
            "URL": site_url(row),
            "slug": row["slug"].replace("/", "::"),
            "jetpack": row["jetpack"],
            "is_private": row["private"],
            "lang": row["lang"],
            "meta": {"links": {"self": own, "help": own + "/help"}},
        }
        if user is None:
            return result
        role = self.world.role(row, user)
        held = ROLES[role] if role else ()
        result["visible"] = row["visible"]
        result["is_deleted"] = row["deleted"]
        # PHP's form of an object without keys.
        result["plan"] = (
            [] if row["plan"] is None else {"product_slug": row["plan"], "is_free": row["plan"] == "free_plan"}
        )
        result["user_can_manage"] = "manage_options" in held
        result["capabilities"] = {capability: capability in held for capability in CAPABILITIES}
        if "edit_posts" in held:
            chosen = [name.strip() for name in options.split(",")] if options else None
            result["options"] = {
                name: value for name, value in row["options"].items() if chosen is None or name in chosen
            }
        return result

    def user(self, row: Record, token: Record) -> Record:
        """Render the user behind a token, with what the token may do."""
        scopes: list[str] = token["scope"].split()
        if not scopes and self.switches["empty_token_scope_form"] == "blank":
            scopes = [""]
        scope: Any = scopes if self.switches["token_scope_form"] == "list" else " ".join(scopes)
        unbound = 0 if self.switches["token_site_unbound"] == "zero" else False
        member = [site for site in self.world.sites.values() if self.world.role(site, row)]
        primary = self.world.sites.get(row["primary_blog"]) if row["primary_blog"] is not None else None
        return {
            "ID": row["ID"],
            "display_name": row["display_name"],
            "username": row["username"],
            "email": row["email"],
            "primary_blog": primary["ID"] if primary else 0,
            "primary_blog_url": site_url(primary) if primary else "",
            "primary_blog_is_jetpack": bool(primary and primary["jetpack"]),
            "language": row["language"],
            "token_site_id": token["site_ID"] if token["site_ID"] is not None else unbound,
            "token_scope": scope,
            "token_client_id": token["client_ID"],
            "site_count": len(member),
            "visible_site_count": sum(1 for site in member if site["visible"]),
            "jetpack_site_count": sum(1 for site in member if site["jetpack"]),
            "verified": True,
            "email_verified": True,
            "meta": {"links": {"self": f"{self.rest}/me", "help": f"{self.rest}/me/help"}},
        }


def site_url(row: Record) -> str:
    """Return the address of a site."""
    return str(row["URL"]) if "URL" in row else f"https://{row['slug'].replace('::', '/')}"


@lru_cache(maxsize=4096)
def escaped(name: str) -> str:
    """Return a name as WordPress escapes it."""
    return html.escape(name).replace("&#x27;", "&#039;").translate(TEXTURIZED)


def with_gaps(value: Any) -> Any:
    """Return a value whose lists are objects, as PHP sends a list that has lost entries."""
    if isinstance(value, list):
        items = [with_gaps(item) for item in value]
        # An empty list has no gaps.
        return {str(2 * position + 1): item for position, item in enumerate(items)} or []
    if isinstance(value, dict):
        return {key: with_gaps(item) for key, item in value.items()}
    return value


def with_inner_gaps(content: Record) -> Record:
    """Return a list of records in which the lists inside the records are objects."""
    return {
        key: [with_gaps(row) for row in rows] if isinstance(rows, list) else with_gaps(rows)
        for key, rows in content.items()
    }


def bad_entry(kind: str, rows: list[Any], key: str) -> Any:
    """Make an entry of a list that is not a record, of one of the kinds of the switch `bad_entries`."""
    if kind == "null":
        return None
    if kind == "no_id":
        return {"meta": {"links": {}}}
    # All else is as in a record, so that only its ID shows that it is none.
    base: Record = rows[-1] if rows else {"meta": {"links": {}}}
    return {**base, key: ("0" if isinstance(base.get(key), str) else 0) if kind == "zero_id" else None}
