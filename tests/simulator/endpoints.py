# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoints under /rest/v1.1: what each one checks, does and answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import itemgetter
from typing import Any, NamedTuple, NoReturn, Optional

from .casting import php_bool, php_int, php_string
from .core import Core
from .oauth import is_valid
from .records import OWN_ACCOUNT, Renderer, bad_entry
from .world import Record, World

REST = "/rest/v1.1"


class ApiError(Exception):
    """An error as the API reports it."""

    def __init__(self, status: int, slug: str, message: str) -> None:
        """Keep status, slug and text."""
        super().__init__(slug)
        self.status = status
        self.slug = slug
        self.message = message


class EmptyNotFound(Exception):
    """The 404 without a body: no endpoint answers at this address."""


def fail(status: int, slug: str, message: str) -> NoReturn:
    """Refuse a request."""
    raise ApiError(status, slug, message)


class Context:
    """One request to the API, with who sent it."""

    def __init__(self, core: Core, base: str, query: dict[str, str], body: Any) -> None:
        """Prepare; the caller is not known yet."""
        self.core = core
        self.world: World = core.world
        self.switches = core.switches
        self.query = query
        self.body = body
        self.render = Renderer(self.world, self.switches, core.nonces, base)
        self.token: Optional[Record] = None
        # Whether the world was changed by a write.
        self.applied = False

    @property
    def me(self) -> Record:
        """The user behind the token."""
        assert self.token is not None
        return self.world.users[self.token["user_ID"]]

    def truthy(self, name: str) -> bool:
        """Read a boolean parameter of the query."""
        return php_bool(self.query.get(name, ""), self.switches["boolean_case"] == "insensitive")

    def given(self) -> Record:
        """Return the keys of the body that have a value: null counts as absent."""
        if not isinstance(self.body, dict):
            return {}
        return {key: value for key, value in self.body.items() if value is not None}

    # Lists

    def entries(self, name: str, rows: list[Any], site_id: Optional[int] = None) -> list[Any]:
        """Return a list with the entries in it that are not records."""
        given = [bad for bad in self.world.bad_entries if bad["list"] == name and bad["site_ID"] in (None, site_id)]
        first = [bad["entry"] for bad in given if bad["first"]]
        last = [bad["entry"] for bad in given if not bad["first"]]
        return [*first, *rows, *self._bad_entries(rows), *last]

    def entry_map(self, name: str, rows: dict[str, Any]) -> dict[str, Any]:
        """Return a map with the entries in it that are not records."""
        bad = {f"orphan-{position}": entry for position, entry in enumerate(self._bad_entries(list(rows.values())))}
        given = [bad for bad in self.world.bad_entries if bad["list"] == name]
        first = {bad["key"]: bad["entry"] for bad in given if bad["first"]}
        return {**first, **rows, **bad, **{bad["key"]: bad["entry"] for bad in given if not bad["first"]}}

    def _bad_entries(self, rows: list[Any]) -> list[Any]:
        kind = self.switches["bad_entries"]
        kinds = {"none": (), "all": ("no_id", "zero_id", "null_id", "null")}.get(kind, (kind,))
        key = "connection_ID" if rows and "connection_ID" in rows[0] else "ID"
        return [bad_entry(kind, rows, key) for kind in kinds]

    # Who asks

    def authenticate(self, header: Optional[str]) -> None:
        """Find the token; a wrong one is an error even where none is needed."""
        if header is None or not header.strip().lower().startswith("bearer "):
            return
        token = self.world.tokens.get(header.strip()[7:].strip())
        if token is None or not is_valid(token, self.core.current()):
            status = self.switches["invalid_token_status"]
            fail(status, "invalid_token", "This token is not valid, or is no longer so.")
        self.token = token

    def authorize(self, scope: Optional[str], public: bool) -> None:
        """Check that the token opens this endpoint."""
        if self.token is None:
            if public:
                return
            fail(403, "authorization_required", "Log in first: an active token is needed here.")
        if self.token["stale"] and (self.switches["stale_session"] == "everywhere" or scope == "applications"):
            fail(401, "reauthorization_required", "The session behind this token is too old; a fresh token is needed.")
        if public or scope is None:
            return
        if scope == "sharing" and self.token["modern"] and not self.switches["oauth_modern_sharing"]:
            fail(403, "authorization_required", "Tokens of this kind do not open this.")
        scopes = self.token["scope"].split()
        needed = "users" if scope in ("me", "applications") else scope
        if "global" in scopes or needed in scopes or (scope == "me" and self.switches["me_scope"] == "any"):
            return
        # A token for one site: what belongs to no site is in doubt.
        if not scopes and (scope != "applications" or self.switches["site_token_account"] == "allowed"):
            return
        fail(403, "authorization_required", f"The scope of this token does not cover this: {needed} is needed.")

    def authorize_account(self) -> None:
        """Check that a token for one site may touch what belongs to the account."""
        assert self.token is not None
        if not self.token["scope"].split() and self.switches["site_token_account"] == "refused":
            fail(403, "authorization_required", "This token is for one site only.")

    def within_token(self, site_id: int) -> bool:
        """Return whether the token reaches a site."""
        return self.token is None or self.token["site_ID"] is None or self.token["site_ID"] == site_id

    # Sites

    def find_site(self, name: str) -> Record:
        """Find a site that the caller may know of."""
        site = self.world.find_site(name, self.switches["site_name_form"], self.switches["shared_domain"])
        if site is None:
            fail(404, "unknown_blog", "There is no such site.")
        if not site["json_api"]:
            fail(403, "unauthorized", "The JSON API is switched off on this site.")
        if site["private"] and (self.token is None or self.world.role(site, self.me) is None):
            fail(403, "unauthorized", "This user has no access to this private site.")
        if not self.within_token(site["ID"]):
            fail(403, "authorization_required", "This token is for another site.")
        return site

    def publicize_site(self, name: str) -> Record:
        """Find a site whose connections the caller may work with."""
        site = self.find_site(name)
        if self.world.role(site, self.me) is None:
            fail(403, "authorization_required", "This user does not belong to this site.")
        self.check_site(site)
        return site

    def check_site(self, site: Record) -> None:
        """Refuse a site that cannot have connections at present."""
        if site["error"] is not None:
            texts = {
                "publicize_disabled": "Sharing is switched off on this site.",
                "missing_jetpack_module": "A Jetpack module that is needed is not active on this site.",
                "incompatible_jetpack": "The Jetpack of this site is too old.",
                "jetpack_connection": "The site cannot be reached over its Jetpack connection.",
            }
            fail(400, site["error"], texts[site["error"]])


# Publicize connections


def _listed(ctx: Context, name: str, rows: list[Record], site_id: Optional[int]) -> Record:
    """Return a list, after the filters that both lists have."""
    services = [name.strip() for name in ctx.query.get("service", "").split(",") if name.strip()]
    if services:
        rows = [row for row in rows if ctx.world.keyring[row["keyring_connection_ID"]]["service"] in services]
    keyring = php_int(ctx.query.get("keyring_connection_ID", ""))
    if keyring:
        rows = [row for row in rows if row["keyring_connection_ID"] == keyring]
    render = ctx.render.publicize
    content = {"connections": ctx.entries(name, [render(row) for row in rows], site_id)}
    ctx.world.settle()
    return content


def list_mine(ctx: Context) -> Record:
    """P1: my connections on all sites; with a site also those that others share on it."""
    world, me = ctx.world, ctx.me["ID"]
    if ctx.query.get("site"):
        site = ctx.publicize_site(ctx.query["site"])["ID"]
        rows = world.read_publicize(world.publicize_by_site.get(site, ()), lambda row: bool(row["site_ID"] == site))
        return _listed(ctx, "P1", [row for row in rows if row["shared"] or world.owner(row) == me], site)
    numbers = [
        number
        for keyring in world.keyring_by_user.get(me, ())
        for number in world.publicize_by_keyring.get(keyring, ())
    ]
    rows = world.read_publicize(numbers, lambda row: world.owner(row) == me)
    return _listed(ctx, "P1", [row for row in rows if ctx.within_token(row["site_ID"])], None)


def list_on_site(ctx: Context, site: str) -> Record:
    """P6: the connections of a site: mine, those shared, and to an administrator all of them."""
    world, me = ctx.world, ctx.me["ID"]
    found = ctx.publicize_site(site)
    number = found["ID"]
    rows = world.read_publicize(world.publicize_by_site.get(number, ()), lambda row: bool(row["site_ID"] == number))
    if not world.capable(found, ctx.me, "manage_options"):
        rows = [row for row in rows if row["shared"] or world.owner(row) == me]
    user = php_int(ctx.query.get("user_id", ""))
    if user and ctx.switches["user_id_filter"] == "owner":
        rows = [row for row in rows if world.owner(row) == user]
    elif user:
        rows = [row for row in rows if not row["shared"] and world.owner(row) == user]
    return _listed(ctx, "P6", rows, number)


def _mine(ctx: Context, number: int, read: bool) -> Record:
    """Find a connection of the caller by its number."""
    row = ctx.world.read_one_publicize(number) if read else ctx.world.publicize.get(number)
    if row is None:
        ctx.world.settle()
        fail(404, "not_found", "There is no such connection.")
    if ctx.world.owner(row) != ctx.me["ID"] or not ctx.within_token(row["site_ID"]):
        _refuse_foreign(ctx)
    ctx.check_site(ctx.world.sites[row["site_ID"]])
    return row


def _refuse_foreign(ctx: Context) -> NoReturn:
    if ctx.switches["foreign_publicize"] == "not_found":
        fail(404, "not_found", "There is no such connection.")
    fail(403, "authorization_required", "This connection is owned by another user.")


def _on_site(ctx: Context, site: Record, number: int, read: bool) -> Record:
    """Find a connection of a site that the caller may at least see."""
    row = ctx.world.read_one_publicize(number) if read else ctx.world.publicize.get(number)
    if row is None or row["site_ID"] != site["ID"]:
        ctx.world.settle()
        fail(404, "not_found", "There is no such connection.")
    visible = row["shared"] or ctx.world.owner(row) == ctx.me["ID"]
    if not visible and not ctx.world.capable(site, ctx.me, "manage_options"):
        _refuse_foreign(ctx)
    return row


def read_mine(ctx: Context, number: int) -> Record:
    """P2: one connection of mine."""
    content = ctx.render.publicize(_mine(ctx, number, read=True))
    ctx.world.settle()
    return content


def read_on_site(ctx: Context, site: str, number: int) -> Record:
    """P7: one connection of a site."""
    row = _on_site(ctx, ctx.publicize_site(site), number, read=True)
    if row["shared"] and ctx.world.owner(row) != ctx.me["ID"]:
        content = ctx.render.reduced_publicize(row)
    else:
        content = ctx.render.publicize(row)
        if ctx.switches["own_read_only"] == "present":
            content["read_only"] = False
    ctx.world.settle()
    return content


def _check_write(ctx: Context, row: Record) -> None:
    """Refuse to change what is owned by another user."""
    if ctx.world.owner(row) == ctx.me["ID"]:
        return
    site = ctx.world.sites[row["site_ID"]]
    if ctx.switches["foreign_write"] == "editors" and ctx.world.capable(site, ctx.me, "edit_others_posts"):
        return
    fail(403, "authorization_required", "This user may not change this connection.")


def update_mine(ctx: Context, number: int) -> Record:
    """P4: change a connection of mine."""
    return _update(ctx, _mine(ctx, number, read=False))


def update_on_site(ctx: Context, site: str, number: int) -> Record:
    """P9: change a connection of a site."""
    row = _on_site(ctx, ctx.publicize_site(site), number, read=False)
    _check_write(ctx, row)
    return _update(ctx, row)


def _update(ctx: Context, row: Record) -> Record:
    given = ctx.given()
    desired: Record = {}
    if "shared" in given:
        desired["shared"] = php_bool(given["shared"], ctx.switches["boolean_case"] == "insensitive")
    if "external_user_ID" in given:
        value = given["external_user_ID"]
        # Whatever is not a string means: back to the default user. So does the word false.
        desired["external_user_ID"] = value if isinstance(value, str) and value != "false" else None
    if not desired:
        fail(400, "invalid_input", "There is nothing to change.")
    if ctx.switches["drop_shared"]:
        desired.pop("shared", None)
    if ctx.switches["drop_external_user"]:
        desired.pop("external_user_ID", None)
    keyring = ctx.world.keyring[row["keyring_connection_ID"]]
    if "external_user_ID" in desired:
        if desired["external_user_ID"] is None:
            _check_reset(ctx, keyring)
        desired["external_user_ID"] = _external_user(ctx, keyring, desired["external_user_ID"])
    if "shared" in desired and desired["shared"] != row["shared"]:
        _check_globalize(ctx, ctx.world.sites[row["site_ID"]])
    changed = {key: value for key, value in desired.items() if row[key] != value}
    # What the connection says of its account itself ends with the choice of an external user.
    stale = [key for key in OWN_ACCOUNT if key in row] if "external_user_ID" in desired else []
    for key in stale:
        del row[key]
    if changed or stale:
        row.update(changed)
        ctx.applied = True
    return ctx.render.publicize(row)


def _check_globalize(ctx: Context, site: Record) -> None:
    if not ctx.world.capable(site, ctx.me, "edit_others_posts"):
        fail(403, "authorization_required", "This user may not share connections with the whole site.")


def _check_reset(ctx: Context, keyring: Record) -> None:
    service = ctx.world.services[keyring["service"]]
    if not service["multiple_external_user_ID_support"] and ctx.switches["reset_without_support"] == "refuse":
        fail(400, ctx.switches["external_user_error_slug"], "This service has one user only.")


def _external_user(ctx: Context, keyring: Record, desired: Optional[str]) -> Optional[str]:
    """Check the external user that is asked for; None stands for the default user."""
    service = ctx.world.services[keyring["service"]]
    users = [user["external_ID"] for user in ctx.render.users(keyring)]
    slug = ctx.switches["external_user_error_slug"]
    if desired is not None:
        if not service["multiple_external_user_ID_support"]:
            fail(400, slug, "This service has one user only.")
        if desired == keyring["external_ID"]:
            desired = None
        elif ctx.switches["external_user_check"] != "none":
            known = set(users)
            if ctx.switches["external_user_check"] == "fresh":
                known.update(user["external_ID"] for user in keyring["external_users_after_refetch"] or ())
            if desired not in known:
                fail(400, slug, "This account has no such user.")
    if desired is None and service.get("external_users_only") and ctx.switches["external_users_only"] != "accept":
        if ctx.switches["external_users_only"] == "refuse" or not users:
            fail(400, slug, "One of the further users must be named; the profile itself will not do.")
        desired = users[0]
    return desired


def create(ctx: Context, site: str) -> Record:
    """P8: connect a site with an account."""
    world, switches = ctx.world, ctx.switches
    found = ctx.publicize_site(site)
    if not world.capable(found, ctx.me, "publish_posts"):
        fail(403, "authorization_required", "This user may not connect accounts with this site.")
    given = ctx.given()
    number = php_int(given.get("keyring_connection_ID"))
    if number <= 0:
        fail(400, "invalid_input", "The number of a keyring connection is needed.")
    keyring = _own_keyring(ctx, number)
    service = world.services[keyring["service"]]
    if service["type"] != "publicize" or service.get("status") == "unsupported":
        fail(400, switches["unsupported_service_slug"], "This service can no longer be connected.")
    shared = php_bool(given.get("shared", False), switches["boolean_case"] == "insensitive")
    if switches["drop_shared"]:
        shared = False
    if switches["drop_external_user"] is True:
        external_user = None
    else:
        external_user = _external_user(ctx, keyring, php_string(given.get("external_user_ID", "")) or None)
    if shared:
        _check_globalize(ctx, found)
    made = [world.publicize[other] for other in world.publicize_by_keyring.get(number, ())]
    on_site = [row for row in made if row["site_ID"] == found["ID"]]
    same = [row for row in on_site if row["external_user_ID"] == external_user]
    if (same and switches["create_duplicate"] == "error") or (
        on_site and switches["create_duplicate"] == "error_any_user"
    ):
        fail(
            switches["duplicate_status"], switches["duplicate_slug"], "This account is already connected to this site."
        )
    if same and switches["create_duplicate"] == "existing":
        return ctx.render.publicize(same[0])
    row = {
        "ID": world.next_publicize_id,
        "site_ID": found["ID"],
        "keyring_connection_ID": number,
        "external_user_ID": external_user,
        "shared": shared,
        "issued": ctx.core.current().replace(microsecond=0),
    }
    world.next_publicize_id += 1
    world.put("publicize_connections", row)
    if switches["create_read_back"] == "late":
        world.hidden[row["ID"]] = None
    ctx.applied = True
    return ctx.render.publicize(row)


def delete_mine(ctx: Context, number: int) -> Record:
    """P5: delete a connection of mine."""
    return _delete(ctx, _mine(ctx, number, read=False))


def delete_on_site(ctx: Context, site: str, number: int) -> Record:
    """P10: delete a connection of a site."""
    row = _on_site(ctx, ctx.publicize_site(site), number, read=False)
    _check_write(ctx, row)
    return _delete(ctx, row)


def _delete(ctx: Context, row: Record) -> Record:
    keyring = row["keyring_connection_ID"]
    ctx.world.delete_publicize(row["ID"], linger=ctx.switches["delete_read_back"] == "lingers")
    if ctx.switches["delete_keyring_with_last"] and not ctx.world.publicize_by_keyring.get(keyring):
        ctx.world.remove("keyring_connections", keyring)
    ctx.applied = True
    return {"ID": row["ID"], "deleted": True}


# Keyring connections


def _keyring(ctx: Context, number: int) -> Optional[Record]:
    row = ctx.world.keyring.get(number)
    return None if row is None or row["gone"] else row


def _own_keyring(ctx: Context, number: int) -> Record:
    """Find a keyring connection of the caller."""
    row = _keyring(ctx, number)
    if row is not None and row["user_ID"] == ctx.me["ID"]:
        return row
    if row is not None and ctx.switches["foreign_keyring"] == "authorization_required":
        fail(403, "authorization_required", "This account was connected by another user.")
    if ctx.switches["keyring_not_found_form"] == "empty":
        raise EmptyNotFound
    fail(404, "not_found", "There is no such keyring connection.")


def _fresh(ctx: Context, row: Record) -> Record:
    """Do what the two `force_` parameters ask for."""
    if ctx.truthy("force_external_users_refetch"):
        ctx.world.refetch_external_users(row)
    if ctx.truthy("force_connection_test"):
        ctx.world.test_connection(row)
    return row


def list_keyring(ctx: Context) -> Record:
    """K1: the accounts that I have connected."""
    ctx.authorize_account()
    me = ctx.me["ID"]
    rows = [ctx.world.keyring[number] for number in ctx.world.keyring_by_user.get(me, ())]
    rows.extend(row for row in ctx.world.keyring.values() if me in row["listed_for"] and row["user_ID"] != me)
    rows = sorted((row for row in rows if not row["gone"]), key=itemgetter("ID"))
    if ctx.query.get("site"):
        site = ctx.find_site(ctx.query["site"])["ID"]
        used = {
            ctx.world.publicize[number]["keyring_connection_ID"] for number in ctx.world.publicize_by_site.get(site, ())
        }
        rows = [row for row in rows if row["ID"] in used or site in row["sites"]]
    return {"connections": ctx.entries("K1", [ctx.render.keyring(_fresh(ctx, row), me) for row in rows])}


def read_keyring(ctx: Context, number: int) -> Record:
    """K2: one account that I have connected."""
    ctx.authorize_account()
    row = _keyring(ctx, number)
    if row is None or ctx.me["ID"] not in row["listed_for"]:
        row = _own_keyring(ctx, number)
    return ctx.render.keyring(_fresh(ctx, row), ctx.me["ID"])


def delete_keyring(ctx: Context, number: int) -> Record:
    """K3: disconnect an account, and with it every publicize connection made with it."""
    ctx.authorize_account()
    row = _own_keyring(ctx, number)
    ctx.world.remove("keyring_connections", row["ID"])
    ctx.applied = True
    return {"ID": row["ID"], "deleted": True}


# Connected applications


def _my_applications(ctx: Context) -> list[Record]:
    rows = [row for row in ctx.world.applications.values() if row["user_ID"] == ctx.me["ID"]]
    return sorted(rows, key=lambda row: int(row["ID"]))


def _application(ctx: Context, number: int) -> Record:
    row = ctx.world.applications.get(number)
    if row is None or row["user_ID"] != ctx.me["ID"]:
        fail(404, "unknown_application_access_token", "There is no such application among those connected.")
    return row


def list_applications(ctx: Context) -> Record:
    """A1: the applications that I have let in."""
    rows = [ctx.render.application(row) for row in _my_applications(ctx)]
    return {"connected_applications": ctx.entries("A1", rows)}


def read_application(ctx: Context, number: int) -> Record:
    """A2: one application that I have let in."""
    return ctx.render.application(_application(ctx, number))


def delete_application(ctx: Context, number: int) -> Record:
    """A3: revoke the token that an entry stands for."""
    row = _application(ctx, number)
    token = row["token"]
    ctx.world.remove("applications", row["ID"])
    if token is not None and token in ctx.world.tokens:
        ctx.world.tokens[token]["revoked"] = True
    ctx.applied = True
    return {"success": True}


# Services, the user, sites


def list_services(ctx: Context) -> Record:
    """S1: what can be connected."""
    kind = ctx.query.get("type")
    rows = [row for row in ctx.world.services.values() if not kind or row["type"] == kind]
    services: Any = ctx.entry_map("S1", {row["ID"]: ctx.render.service(row) for row in rows})
    if not services and ctx.switches["empty_map_form"] == "array":
        services = []
    return {"services": services}


def read_service(ctx: Context, service: str) -> Record:
    """S2: one service that can be connected."""
    row = ctx.world.services.get(service)
    if row is None:
        fail(404, "not_found", "There is no such service.")
    return ctx.render.service(row)


def read_me(ctx: Context) -> Record:
    """M1: who I am, and what my token may do."""
    assert ctx.token is not None
    return ctx.render.user(ctx.me, ctx.token)


def list_sites(ctx: Context) -> Record:
    """M2: the sites that I belong to."""
    rows = [
        row
        for row in sorted(ctx.world.sites.values(), key=lambda row: int(row["ID"]))
        if ctx.within_token(row["ID"]) and ctx.world.role(row, ctx.me) is not None
    ]
    visibility, activity = ctx.query.get("site_visibility"), ctx.query.get("site_activity")
    if visibility in ("visible", "hidden"):
        rows = [row for row in rows if row["visible"] == (visibility == "visible")]
    if activity in ("active", "inactive"):
        rows = [row for row in rows if row["active"] == (activity == "active")]
    if not ctx.truthy("include_domain_only"):
        rows = [row for row in rows if not row["domain_only"]]
    if "include_redirect" in ctx.query and not ctx.truthy("include_redirect"):
        rows = [row for row in rows if not row["redirect"]]
    return {"sites": ctx.entries("M2", [ctx.render.site(row, ctx.me, ctx.query.get("options")) for row in rows])}


def read_site(ctx: Context, site: str) -> Record:
    """M3: one site."""
    row = ctx.find_site(site)
    return ctx.render.site(row, ctx.me if ctx.token else None, ctx.query.get("options"))


class Endpoint(NamedTuple):
    """One call of the API: its route, the scope that it requires, and what it does."""

    name: str
    method: str
    rule: str
    scope: Optional[str]
    handler: Callable[..., Any]

    @property
    def path(self) -> str:
        """Return the route in short: `#` for a number, `*` for a name."""
        return re.sub(r"<\w+>", "*", re.sub(r"<number:\w+>", "#", self.rule))


_MINE = "/me/publicize-connections"
_ON_SITE = "/sites/<site>/publicize-connections"
_KEYRING = "/me/keyring-connections"
_APPLICATIONS = "/me/connected-applications"
_SERVICES = "/meta/external-services"
_ID = "/<number:number>"

ENDPOINTS = (
    Endpoint("P1", "GET", _MINE, "sharing", list_mine),
    Endpoint("P2", "GET", _MINE + _ID, "sharing", read_mine),
    Endpoint("P4", "POST", _MINE + _ID, "sharing", update_mine),
    Endpoint("P5", "POST", _MINE + _ID + "/delete", "sharing", delete_mine),
    Endpoint("P6", "GET", _ON_SITE, "sharing", list_on_site),
    Endpoint("P7", "GET", _ON_SITE + _ID, "sharing", read_on_site),
    Endpoint("P8", "POST", _ON_SITE + "/new", "sharing", create),
    Endpoint("P9", "POST", _ON_SITE + _ID, "sharing", update_on_site),
    Endpoint("P10", "POST", _ON_SITE + _ID + "/delete", "sharing", delete_on_site),
    Endpoint("K1", "GET", _KEYRING, "sharing", list_keyring),
    Endpoint("K2", "GET", _KEYRING + _ID, "sharing", read_keyring),
    Endpoint("K3", "POST", _KEYRING + _ID + "/delete", "sharing", delete_keyring),
    Endpoint("A1", "GET", _APPLICATIONS, "applications", list_applications),
    Endpoint("A2", "GET", _APPLICATIONS + _ID, "applications", read_application),
    Endpoint("A3", "POST", _APPLICATIONS + _ID + "/delete", "applications", delete_application),
    Endpoint("S1", "GET", _SERVICES, None, list_services),
    Endpoint("S2", "GET", _SERVICES + "/<service>", None, read_service),
    Endpoint("M1", "GET", "/me", "me", read_me),
    Endpoint("M2", "GET", "/me/sites", "sites", list_sites),
    Endpoint("M3", "GET", "/sites/<site>", "sites", read_site),
)
BY_NAME = {endpoint.name: endpoint for endpoint in ENDPOINTS}
