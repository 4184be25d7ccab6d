/* SPDX-License-Identifier: MIT */
/* api_page.c - GET of whatever no other row of the route table names: static files. */
#include "worker/api.h"
#include "worker/page.h"

void api_page(struct exchange *exchange)
{
    page_respond(exchange);
}
