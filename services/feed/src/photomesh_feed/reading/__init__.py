"""Reads a home feed, in four steps:

    skeleton   which posts, in which order: the list in Redis, a ranked order, or merged author timelines
               (`domain.pages.Skeleton`, store/lua/read/skeleton.lua, `timeline_merger`)
    hydrate    snapshots, counts, names, the viewer's likes and saves (`hydration`, store/lua/read/hydration.lua)
    rules      no deleted posts, none by authors whom the viewer does not follow now or mutes (store/lua/read/rules.lua)
    present    the page as JSON (`http.serialization`)

`service` is the entry; `pipeline` runs skeleton, hydrate and rules. On a warm feed they are one call of Redis, because
rules decide how far a skeleton has to be read.
"""
