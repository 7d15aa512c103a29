-- Ids of carriers are kept as they were given. Receipts that write them in another case or with other zeros in front find
-- them by what all spellings have in common; ids that are so already need no entry. domain/receipt.ts has the same rule.
create index carrier_message_folded on carrier_message (lane, ltrim(lower(provider_id collate "C"), '0'), message_id)
  where provider_id <> ltrim(lower(provider_id collate "C"), '0');

-- Addresses one of which is the recipient's, as the carrier writes them, and whether one of them must be.
alter table parked_carrier_receipt add column recipients text[];
alter table parked_carrier_receipt add column must_match boolean not null default false;
