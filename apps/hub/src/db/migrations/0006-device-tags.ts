import { type Kysely, sql } from 'kysely';
import type { Dialect } from '../open.ts';

/**
 * Tags of a device, taken out of its user metadata: `{"site": "berlin"}` of `{"tag.site": "berlin", …}`. Large fleets are counted and
 * filtered by them without reading all metadata. The database itself keeps them, whoever writes the metadata.
 */
export async function up(db: Kysely<unknown>, dialect: Dialect): Promise<void> {
  const run = (text: string) => sql.raw(text).execute(db);
  await run("alter table devices add column tags text not null default '{}'");
  if (dialect === 'postgres') {
    await run(`create function tags_of_devices() returns trigger language plpgsql as $$
      begin
        new.tags := coalesce((select json_object_agg(substr(key, 5), value)::text from json_each(new.user_meta::json)
          where key like 'tag.%' and json_typeof(value) = 'string'), '{}');
        return new;
      exception when others then
        -- Texts that the database cannot take apart are no tags.
        new.tags := '{}';
        return new;
      end $$`);
    await run(`create trigger devices_tags before insert or update of user_meta on devices
      for each row execute function tags_of_devices()`);
    await run(`update devices set user_meta = user_meta where user_meta like '%"tag.%'`);
    return;
  }
  const tags = (meta: string) => `(select json_group_object(substr(key, 5), value) from json_each(${meta})
    where key like 'tag.%' and type = 'text')`;
  const keep = `begin update devices set tags = ${tags('new.user_meta')} where id = new.id; end`;
  await run(`create trigger devices_tags_insert after insert on devices when new.user_meta like '%"tag.%' ${keep}`);
  await run(`create trigger devices_tags_update after update of user_meta on devices
    when new.user_meta like '%"tag.%' or old.tags <> '{}' ${keep}`);
  await run(`update devices set tags = ${tags('user_meta')} where user_meta like '%"tag.%'`);
}
