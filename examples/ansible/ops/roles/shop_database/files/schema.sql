-- Says what there shall be; running it twice changes nothing.
set client_min_messages = warning;
set role shop;

create table if not exists product (
    name text primary key,
    cents integer not null check (cents >= 0)
);

insert into product values
    ('coffee', 290),
    ('tea', 240),
    ('lemon cake', 350)
on conflict do nothing;
