/* SPDX-License-Identifier: MIT */
/* api.h - one handler an endpoint; each lives in the file of its name.  Called by route.c only. */
#pragma once

struct exchange;

void api_login(struct exchange *exchange);        /* api_login.c */
void api_logout(struct exchange *exchange);       /* api_login.c */
void api_me(struct exchange *exchange);           /* api_me.c */
void api_name(struct exchange *exchange);         /* api_name.c */
void api_challenges(struct exchange *exchange);   /* api_challenges.c */
void api_submit(struct exchange *exchange);       /* api_submit.c */
void api_hint(struct exchange *exchange);         /* api_hint.c */
void api_award(struct exchange *exchange);        /* api_award.c */
void api_scoreboard(struct exchange *exchange);   /* api_scoreboard.c */
void api_graph(struct exchange *exchange);        /* api_scoreboard.c */
void api_events(struct exchange *exchange);       /* api_events.c */
void api_player(struct exchange *exchange);       /* api_player.c */
void api_solves(struct exchange *exchange);       /* api_player.c */
void api_game(struct exchange *exchange);         /* api_game.c */
void api_display(struct exchange *exchange);      /* api_game.c */
void api_reset_form(struct exchange *exchange);   /* api_admin.c */
void api_reset(struct exchange *exchange);        /* api_admin.c */
void api_admin_logout(struct exchange *exchange); /* api_admin.c */
void api_page(struct exchange *exchange);         /* api_page.c: static files */
void api_stream(struct exchange *exchange);       /* api_stream.c: upgrade of /scorestream */
void api_metrics(struct exchange *exchange);      /* metrics.c; operators' side */
void api_healthz(struct exchange *exchange);      /* metrics.c */
void api_readyz(struct exchange *exchange);       /* metrics.c */
